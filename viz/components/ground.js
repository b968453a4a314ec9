// On what ground a page lies that is framed by another one: a notebook may be dark where the browser is not.

const DARK = 0.4; // luma, from 0 to 1, below which a ground is dark

/** The luma (ITU-R BT.601) of a colour as CSS computes it; null where nothing of it is seen. */
export function luma(colour) {
  const [red, green, blue, opacity = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return opacity && blue !== undefined ? (0.299 * red + 0.587 * green + 0.114 * blue) / 255 : null;
}

/** Whether the page is to be dark: as what lies around its frame is, else as the browser is. */
export function isDark() {
  for (let node = frame(); node; node = node.parentElement) {
    const found = luma(getComputedStyle(node).backgroundColor);
    if (found !== null) return found < DARK;
  }
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** What the page lies in, if it may know. */
export function frame() {
  try {
    return window.frameElement;
  } catch {
    return null;
  }
}

/** Call `changed` when the ground may be another one. */
export function watchGround(changed) {
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  const around = frame()?.ownerDocument;
  if (!around) return;
  const watched = { attributes: true };
  for (const node of [around.documentElement, around.body]) new MutationObserver(changed).observe(node, watched);
}
