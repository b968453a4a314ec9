// What the lines and the shaded text say of the weights, `[head, query, key]` of the heads that lie over each other.

const SMALLEST = 0.0005; // weight that is said: less is 0.000
const MOST = 3;

/** The weight from some queries to a key, on average: of the one head, or the mean over those that are overlaid. */
export function weightOf({ data, weights }, queries, key) {
  const { rows, columns, heads } = data;
  const size = rows.length * columns.length;
  const each = heads.flatMap((_, head) => queries.map((query) => weights[head * size + query * columns.length + key]));
  return each.reduce((total, weight) => total + weight, 0) / each.length;
}

/** Which queries or which key are lit: the token under the pointer, the rows that were chosen together, in text the
 * pinned one, or none (all lines are drawn). */
export function lit({ hover, data }) {
  if (hover) return hover.side === "key" ? { key: hover.index } : { queries: [hover.index] };
  if (data.together.length) return { queries: data.together };
  return data.layout === "text" && data.pinned !== null ? { queries: [data.pinned] } : {};
}

/** What is said of the lit tokens: where they look, or who looks at them. */
export function said(map, { queries, key }) {
  const { rows, columns, hint } = map.data;
  if (queries?.every((query) => rows[query] !== undefined)) {
    const best = strongest(columns.map((name, j) => [weightOf(map, queries, j), name]));
    const named = queries.map((query) => `“${rows[query]}”`).join(", ");
    return queries.length > 1 ? `${named} look on average at ${best}` : `${named} looks at ${best}`;
  }
  if (columns[key] !== undefined) {
    const best = strongest(rows.map((name, i) => [weightOf(map, [i], key), name]));
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
