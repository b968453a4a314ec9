// Where the map and the curve of a film lie, in CSS pixels.

const CELL = { largest: 36, least: 3 };
const ROOM = { width: 620, height: 520, least: 160 }; // of the cells
const BESIDE = 14; // around the names of rows and columns
const NAME = 14; // the least between two names
const TURNED = 0.87; // how high a name is that is turned by 60°, for its width

/**
 * The map, as large as the room allows.
 *
 * @param width of all there is
 * @param names the widths of the names: `rows` and `columns` of the longest, `last` of the last three columns' longest
 */
export function mapGeometry(width, rows, columns, names) {
  const left = Math.max(44, names.rows) + BESIDE;
  const right = names.last * 0.5 + 6;
  const room = Math.max(ROOM.least, width - left - right);
  const cell = Math.max(CELL.least, Math.min(CELL.largest, Math.min(room, ROOM.width) / columns));
  const upright = names.columns <= cell - 4;
  const top = (upright ? 0 : names.columns * TURNED) + BESIDE + 4;
  const cellHeight = Math.max(CELL.least, Math.min(cell, ROOM.height / rows));
  return {
    left,
    top,
    cell,
    cellHeight,
    upright, // so stand the names of columns where there is room
    every: [Math.ceil(NAME / cellHeight), Math.ceil(NAME / cell)], // the rows and the columns that are named
    width: left + cell * columns + right,
    height: top + cellHeight * rows + 4,
  };
}

/** The cell at a place, [row, column]; null outside. */
export function cellAt({ left, top, cell, cellHeight }, rows, columns, x, y) {
  const column = Math.floor((x - left) / cell);
  const row = Math.floor((y - top) / cellHeight);
  return row >= 0 && column >= 0 && row < rows && column < columns ? [row, column] : null;
}

/** The curve: its frame, and where a step and a value lie. */
export function curveGeometry(room, { steps, low, high }) {
  const [width, height] = [Math.min(340, room), 240];
  const [left, top, right, bottom] = [44, 26, width - 10, height - 34];
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
