// Where the map and the curve of a film lie, in CSS pixels. A `letter` is the size of what they write, and their measure.

const CELL = { largest: 2.6, least: 0.2 };
const ROOM = { width: 44, height: 37, least: 12 }; // of the cells
const LEAST_NAMES = 3.2; // what is left for the names of rows
const BESIDE = 0.6; // between a name and its cell
const AXIS = 1.7; // for what an axis is
const NAME = 1.1; // from a name to the next
const TURNED = 0.71; // how high and how wide a name is that is turned by 45°, for its width
const CURVE = { width: 24, height: 17, left: 3.2, top: 1.9, right: 0.7, bottom: 2.5 };

/**
 * The map, its cells square and as large as the room allows.
 *
 * @param width of all there is
 * @param names the widths of the names: `rows` and `columns` of the longest, `last` of the last three columns' longest
 */
export function mapGeometry(width, rows, columns, names, letter) {
  const left = (AXIS + BESIDE) * letter + Math.max(LEAST_NAMES * letter, names.rows);
  const right = names.last * TURNED + 6;
  const room = Math.max(ROOM.least * letter, width - left - right);
  const fits = Math.min(Math.min(room, ROOM.width * letter) / columns, (ROOM.height * letter) / rows);
  const cell = Math.max(CELL.least * letter, Math.min(CELL.largest * letter, fits));
  const upright = names.columns <= cell - 4;
  const top = (AXIS + BESIDE) * letter + (upright ? letter : names.columns * TURNED + BESIDE * letter);
  return {
    left,
    top,
    cell,
    letter,
    upright, // so stand the names of columns where there is room
    every: Math.ceil((NAME * letter) / cell), // so many rows or columns from a name to the next
    width: left + cell * columns + right,
    height: top + cell * rows + 4,
  };
}

/** The cell at a place, [row, column]; null outside. */
export function cellAt({ left, top, cell }, rows, columns, x, y) {
  const [row, column] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
  return row >= 0 && column >= 0 && row < rows && column < columns ? [row, column] : null;
}

/** The curve: its frame, and where a step and a value lie. */
export function curveGeometry(room, { steps, low, high }, letter) {
  const [width, height] = [Math.min(CURVE.width * letter, room), CURVE.height * letter];
  const sides = [CURVE.left * letter, CURVE.top * letter, width - CURVE.right * letter, height - CURVE.bottom * letter];
  const [left, top, right, bottom] = sides.map(Math.round);
  const last = steps.at(-1) || 1;
  return {
    width,
    height,
    left,
    top,
    right,
    bottom,
    x: (step) => left + ((right - left) * step) / last,
    y: (value) => bottom - ((bottom - top) * (value - low)) / (high - low || 1),
  };
}

/** A value beside the curve's axis. */
export function tick(value) {
  return String(Math.round(value * 100) / 100).replace("-", "−");
}
