// Where the cells of a strip lie, in CSS pixels where its letters have 12 of them, what a cell was made from, and how a number is written.

export const NAME_FROM = 10; // a row of so many pixels has its name; of lower ones only some have
export const LINES_FROM = 7; // cells of so many pixels have a line between them
const LETTER = 12; // pixels
const NAMES = 92; // room for the names of rows
const ROOM = { list: 252, matrix: 168, vector: 26 }; // for all rows
const ROW = { list: 21, matrix: 22, vector: 26 }; // the highest rows

/** A number as people read it, with four digits. */
export function written(value) {
  if (value === -Infinity) return "−∞";
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  if (Math.abs(value) >= 1e-3) return value.toPrecision(4).replace("-", "−");
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = String(Number(exponent)).replace(/./g, (sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]));
  return `${digits.replace("-", "−")}·10${raised}`;
}

/** The cells in a room of this width: a list of scores, a matrix with a name for each row, or one vector. */
export function geometry(room, data, letter = LETTER) {
  const [rows, columns] = data.shape;
  const kind = !data.rows ? "vector" : columns === 1 ? "list" : "matrix";
  const unit = letter / LETTER;
  const [most, row] = [(data.room ?? ROOM[kind]) * unit, ROW[kind] * unit];
  const full = data.steady ? Math.min(most, rows * row) : most; // rows come while a person types
  const left = data.rows ? NAMES * unit : 0;
  const width = room - left;
  return { rows, columns, kind, unit, full, left, width, cell: [width / columns, Math.min(row, full / rows)] };
}

/** The rows that have their names shown; the others give way to the framed and the strongest one. */
export function namedRows({ cell, unit }, data) {
  if (!data.rows) return [];
  const every = Math.ceil(((NAME_FROM + 2) * unit) / cell[1]);
  const near = (row, others) => others.some((other) => other !== null && Math.abs(row - other) < every);
  const kept = (row) => row === data.framed || (row === data.strongest && !near(row, [data.framed]));
  const shown = (row) => kept(row) || (row % every === 0 && !near(row, [data.framed, data.strongest]));
  return [...data.rows.keys()].filter(shown);
}

/** The place of a cell in an operand; an axis of length 1 stands for all. */
export function picked(operand, [row, column]) {
  const [rows, columns] = operand.shape;
  const r = rows === 1 ? 0 : row;
  const c = columns === 1 ? 0 : column;
  if (operand.pick === "number") return operand.values[r * columns + c];
  if (operand.pick === "row") return operand.values.subarray(r * columns, (r + 1) * columns);
  return operand.values.filter((_, i) => i % columns === c);
}

/** The cell at a place, [row, column]; a row's name belongs to its first cell. Null outside. */
export function cellAt({ left, rows, columns, cell }, x, y) {
  const column = Math.floor((x - left) / cell[0]);
  const row = Math.floor(y / cell[1]);
  return row >= 0 && row < rows && column < columns ? [row, Math.max(0, column)] : null;
}
