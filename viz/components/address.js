// What is on screen, as the address says it.

/**
 * The address with these values in it; one that is what the page begins with is left out.
 *
 * @param settled whether Streamlit has written what its widgets say; until then only what is `own` is written, which
 *   no widget has
 */
export function written(href, addresses, settled) {
  const url = new URL(href);
  for (const { name, value, initial, own } of addresses) {
    if (!own && !settled) continue;
    if (value === initial) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}
