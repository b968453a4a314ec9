// Several rows of a heatmap at once: which they are, and where they look together. One of them is pinned; `together` are
// the numbers of all, ascending, or none where the pinned row is alone.

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** All that are chosen, the pinned one included. */
const all = ({ pinned, together }) => (together.length ? together : pinned === null ? [] : [pinned]);

const chosen = (pinned, rows) => ({ row: pinned, together: rows.length > 1 ? rows : [] });

/** What is chosen after one more click on a row: it joins the others, or leaves them. */
export function joined(at, row) {
  const rows = all(at);
  const next = rows.includes(row) ? rows.filter((other) => other !== row) : [...rows, row].toSorted((a, b) => a - b);
  return chosen(next.includes(at.pinned) ? at.pinned : (next[0] ?? null), next);
}

/** What is chosen when the end of the choice moves up (-1) or down (1) the `n` rows, as in a list: all from the pinned
 * row to there. */
export function stretched(at, step, n) {
  const rows = all(at);
  if (!rows.length) return chosen(step > 0 ? 0 : n - 1, []);
  const [first, last] = [rows[0], rows.at(-1)];
  const gapless = last - first + 1 === rows.length;
  const end = gapless && at.pinned === first ? last : gapless && at.pinned === last ? first : at.pinned;
  const next = Math.max(0, Math.min(n - 1, end + step));
  return chosen(at.pinned, range(Math.min(at.pinned, next), Math.max(at.pinned, next)));
}

/** The row, of `n`, to which a key of the keyboard leads from the one that has the focus (-1: none); undefined for other
 * keys. */
export function rowAt(key, at, n) {
  const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[key];
  if (step) return Math.max(0, Math.min(n - 1, at + step));
  return { Home: 0, End: n - 1 }[key];
}

/** The mean of the weights of some rows of `[row, column]`, for each column. */
export function meanOf(weights, columns, rows) {
  const mean = new Float32Array(columns);
  for (const row of rows) for (let j = 0; j < columns; j++) mean[j] += weights[row * columns + j] / rows.length;
  return mean;
}

/** The sum of a row of `[row, column]`. */
export function sumOf(weights, columns, row) {
  return weights.subarray(row * columns, (row + 1) * columns).reduce((sum, weight) => sum + weight, 0);
}

/** Rows beside each other as one: `[first, last]` of each run. */
export function runs(rows) {
  const found = [];
  for (const row of rows)
    if (found.length && found.at(-1)[1] === row - 1) found.at(-1)[1] = row;
    else found.push([row, row]);
  return found;
}

/**
 * The rows that were `chosen` last, while the server answers an earlier choice: it takes one after the other. Null once it
 * has answered, or where other rows are on show than before.
 */
export function unanswered(chosen, before, data, now) {
  if (!chosen || chosen.row === null || now > chosen.until) return null;
  if (data.rows.join("\n") !== before.rows.join("\n")) return null;
  const answered = data.pinned === chosen.row && String(data.together ?? []) === String(chosen.together);
  return answered ? null : chosen;
}
