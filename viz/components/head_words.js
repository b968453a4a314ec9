// What a large heatmap says of the cell that is pointed at.

import { isMasked } from "./head_cells.js";
import { STRIP } from "./head_geometry.js";
import { sumOf } from "./head_rows.js";

const percent = (weight) => (weight > 0 && weight < 0.005 ? "<1%" : `${Math.round(100 * weight)}%`);

/** How far the sum of `n` weights may be from 1 for their rounding: they travel in 4095ths or finer. */
const rounding = (n) => 0.01 + n / 8190;

function changed(by) {
  const size = Math.abs(by).toFixed(3);
  return Number(size) === 0 ? "no change." : `${size} ${by > 0 ? "more" : "less"} than before.`;
}

export function pointedAt({ data, weights, mean }, { row, column }) {
  if (row === STRIP) {
    const n = data.together.length;
    const sum = (n * mean[column]).toFixed(3);
    return `${n} rows look at “${data.columns[column]}”: ${percent(mean[column])} of their attention on average (sum ${sum}).`;
  }
  if (isMasked(data, row, column))
    return `“${data.rows[row]}” may not look at “${data.columns[column]}”: it is masked.`;
  const { length } = data.columns;
  const weight = weights[row * length + column];
  const looks = `“${data.rows[row]}” looks at “${data.columns[column]}”: `;
  if (data.mode === "change") return `${looks}${changed(2 * weight - 1)}`;
  const all = sumOf(weights, length, row);
  return Math.abs(all - 1) > rounding(length)
    ? `${looks}weight ${weight.toFixed(3)}, in a row that sums to ${all.toFixed(3)}.`
    : `${looks}${percent(weight)} of its attention (${weight.toFixed(3)}).`;
}
