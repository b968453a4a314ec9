// Where everything of a large heatmap lies, in CSS pixels. A view is what of it is shown: `{ row, column }`, each
// whole rows or columns [from, to). A room is what there is for it: `{ width, height, font, names }`; `font` is the size of its
// letters, `names` have the widths of the names of all rows and columns in it: `{ row: […], column: […] }`; `strip`
// is that of one more row below the others (null: there is none).

const LARGEST = 3.75; // a cell, in letters
const SMALLEST = 0.75; // of the size of letters; 12 pixels on a screen, 18 on a wall
const NAMES = 6.2; // at least so many letters are left for the names of rows, so that a keystroke moves no cell
const TURNED = 4.9; // and so many for names of columns that do not stand upright
const CORNER = 4.7; // and above names that do: what both axes are stands over each other beside them
const BESIDE = 8; // between a name and its cell
const STEEP_BELOW = 26; // narrower cells have their names turned by more
const LEGEND = 2.9; // letters below the cells
const APART = 6; // from them to the strip
const LOWEST_STRIP = 14;

/** All rows and columns, or the part `[rows, columns]`. */
export function viewOf(part, rows, columns) {
  return part ? { row: part[0], column: part[1] } : { row: [0, rows], column: [0, columns] };
}

/** The part between two cells, both included. */
export function between(first, last) {
  return ["row", "column"].map((axis) => [Math.min(first[axis], last[axis]), Math.max(first[axis], last[axis]) + 1]);
}

const seen = (room, view, axis) => room.names[axis].slice(...view[axis]);
const widest = (widths) => Math.max(0, ...widths);

/**
 * Degrees by which names of columns are turned: none where the widest fits over its cell. The first and the last may reach
 * beyond it: they are what marks the beginning or the end of a text.
 */
function turn(room, view, cell, shrunk) {
  const columns = seen(room, view, "column");
  return widest(columns.length > 2 ? columns.slice(1, -1) : columns) * shrunk <= cell - 6
    ? 0
    : cell >= STEEP_BELOW
      ? -45
      : -60;
}

/** Room for names that are turned: above their cells, and to the right of the last one. */
function around(room, view, cell, shrunk, degrees) {
  const columns = seen(room, view, "column").map((width) => width * shrunk);
  const letter = room.font * shrunk;
  if (!degrees) return { top: room.font * CORNER, right: Math.max(6, (columns.at(-1) ?? 0) - cell + 6) };
  const [up, along] = [Math.sin, Math.cos].map((side) => side((-degrees * Math.PI) / 180));
  const beyond = columns.map((width, i) => width * along + letter / 2 - (columns.length - i - 0.5) * cell);
  return { top: Math.max(room.font * TURNED, widest(columns) * up + letter + BESIDE), right: Math.max(6, ...beyond) };
}

/** The cells, square and as large as the room allows, and where a column or a row begins. */
export function geometry(room, view) {
  const [columns, rows] = [view.column[1] - view.column[0], view.row[1] - view.row[0]];
  let [cell, font, at] = [8, room.font, null];
  for (let pass = 0; pass < 4; pass++) {
    const shrunk = font / room.font;
    const degrees = turn(room, view, cell, shrunk);
    const left = Math.max(
      room.font * NAMES,
      widest([...seen(room, view, "row"), room.strip ?? 0]) * shrunk + BESIDE + 4,
    );
    at = { left, turn: degrees, ...around(room, view, cell, shrunk, degrees) };
    const [wide, high] = [room.width - at.left - at.right, room.height - at.top - LEGEND * room.font];
    const tall = room.strip ? Math.min((high - APART) / (rows + 1), (high - APART - LOWEST_STRIP) / rows) : high / rows;
    const fits = Math.max(0.1, Math.min(wide / columns, tall, room.font * LARGEST));
    cell = fits >= 4 ? Math.floor(fits) : fits;
    font = Math.max(SMALLEST * room.font, Math.min(room.font, cell - 1));
  }
  const height = rows * cell;
  return {
    ...at,
    cell,
    font,
    width: columns * cell,
    height,
    strip: room.strip ? { top: at.top + height + APART, height: Math.max(cell, LOWEST_STRIP) } : null,
    x: (column) => at.left + (column - view.column[0]) * cell,
    y: (row) => at.top + (row - view.row[0]) * cell,
  };
}

/** The row that is no row: the strip below all. */
export const STRIP = -1;

/** The cell at a place; left of the cells its column is null, as the name of its row is there. Null outside. */
export function cellAt(place, view, x, y) {
  const column = Math.floor((x - place.left) / place.cell) + view.column[0];
  const { strip } = place;
  if (strip && y >= strip.top && y < strip.top + strip.height)
    return column >= view.column[0] && column < view.column[1] ? { row: STRIP, column } : null;
  const row = Math.floor((y - place.top) / place.cell) + view.row[0];
  if (row < view.row[0] || row >= view.row[1] || column >= view.column[1]) return null;
  return { row, column: column >= view.column[0] ? column : null };
}

/** Where an upright name stands over its cell; at the ends of an axis a wide one reaches outwards only. */
export function upright(place, view, column, width) {
  const [from, to] = view.column;
  if (width <= place.cell - 2 || (column > from && column < to - 1)) return [place.x(column + 0.5), "middle"];
  return column === from ? [place.x(column + 1) - 1, "end"] : [place.x(column) + 1, "start"];
}

/** Which rows or columns of a view have their names shown: as many as there is room for, and those that are `kept`. */
export function named(place, view, axis, kept = []) {
  const [from, to] = view[axis];
  const every = Math.ceil((axis === "row" ? place.font : place.font * (place.turn ? 1.2 : 1)) / place.cell);
  const own = kept.filter((i) => i >= from && i < to);
  const far = (i) => own.every((other) => Math.abs(i - other) >= every);
  return Array.from({ length: to - from }, (_, i) => from + i).filter(
    (i) => own.includes(i) || ((i - from) % every === 0 && far(i)),
  );
}

/** Where a tip of this size goes: above its cell, or below where there is no room. */
export function tipPlace(place, room, at, tip) {
  const left = Math.max(0, Math.min(place.x(at.column + 0.5) - tip.width / 2, room.width - tip.width));
  const above = (at.row === STRIP ? place.strip.top : place.y(at.row)) - tip.height - 6;
  return { left, top: above >= 0 ? above : place.y(at.row + 1) + 6 };
}

/** Where the colour scale lies. */
export function legendPlace(place) {
  return {
    left: place.left,
    top: (place.strip ? place.strip.top + place.strip.height : place.top + place.height) + 10,
    width: Math.min(300, Math.max(120, 0.6 * place.width)),
  };
}
