// What the lines and the shaded text say of the weights, `[head, query, key]` of the heads that lie over each other.

const SMALLEST = 0.0005; // weight that is said: less is 0.000
const MOST = 3;

/** The weight from a query to a key: of the one head, or the mean over those that are overlaid. */
export function weightOf({ data, weights }, query, key) {
  const { rows, columns, heads } = data;
  const size = rows.length * columns.length;
  const at = query * columns.length + key;
  return heads.reduce((total, _, head) => total + weights[head * size + at], 0) / heads.length;
}

/** Which query or key is lit: the token under the pointer, in text the pinned row, or none (all lines are drawn). */
export function lit({ hover, data }) {
  if (hover) return { [hover.side]: hover.index };
  return data.layout === "text" && data.pinned !== null ? { query: data.pinned } : {};
}

/** What is said of the lit token: where it looks, or who looks at it. */
export function said(map, { query, key }) {
  const { rows, columns, hint } = map.data;
  if (rows[query] !== undefined) {
    const best = strongest(columns.map((name, j) => [weightOf(map, query, j), name]));
    return `“${rows[query]}” looks at ${best}`;
  }
  if (columns[key] !== undefined) {
    const best = strongest(rows.map((name, i) => [weightOf(map, i, key), name]));
    return `“${columns[key]}” is looked at by ${best}`;
  }
  return hint;
}

/** The largest few of some weights, `[weight, name]`, in words, but none that is said as 0. */
function strongest(weights) {
  return weights
    .sort((one, other) => other[0] - one[0])
    .slice(0, MOST)
    .filter(([weight], place) => place === 0 || weight >= SMALLEST)
    .map(([weight, name]) => `“${name}” ${weight.toFixed(3)}`)
    .join(", ");
}
