// Where everything of a large heatmap lies, in CSS pixels. A view is what of it is shown: `{ row, column }`, each
// whole rows or columns [from, to).

export const MARGIN = { left: 104, right: 44, top: 88, bottom: 58 };
export const HEIGHT = 460;
const ROOM = { row: 13, column: 16 }; // the least between two names

/** Of a picture so wide: the cells, `cell` [width, height] of one, and where a column or a row begins. */
export function geometry(width, view) {
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const cell = [inner.width / (view.column[1] - view.column[0]), inner.height / (view.row[1] - view.row[0])];
  return {
    ...inner,
    cell,
    x: (column) => MARGIN.left + (column - view.column[0]) * cell[0],
    y: (row) => MARGIN.top + (row - view.row[0]) * cell[1],
  };
}

/** All rows and columns, or the part `[rows, columns]`. */
export function viewOf(part, rows, columns) {
  return part ? { row: part[0], column: part[1] } : { row: [0, rows], column: [0, columns] };
}

/** The part between two cells, both included. */
export function between(first, last) {
  return ["row", "column"].map((axis) => [Math.min(first[axis], last[axis]), Math.max(first[axis], last[axis]) + 1]);
}

/** The cell at a place; left of the cells its column is null, as the name of its row is there. Null outside. */
export function cellAt(width, view, x, y) {
  const { cell } = geometry(width, view);
  const column = Math.floor((x - MARGIN.left) / cell[0]) + view.column[0];
  const row = Math.floor((y - MARGIN.top) / cell[1]) + view.row[0];
  if (row < view.row[0] || row >= view.row[1] || x >= width - MARGIN.right) return null;
  return { row, column: column >= view.column[0] && column < view.column[1] ? column : null };
}

/** Which rows or columns of a view have their names shown: as many as there is room for. */
export function named(width, view, axis) {
  const [from, to] = view[axis];
  const every = Math.ceil(ROOM[axis] / geometry(width, view).cell[axis === "row" ? 1 : 0]);
  return Array.from({ length: to - from }, (_, i) => from + i).filter((i) => i % every === 0);
}

/** Where a tip of this size goes: below its cell, or above where there is no room. */
export function tipPlace(width, view, at, tip) {
  const place = geometry(width, view);
  const [x, below] = [place.x(at.column + 0.5), place.y(at.row + 1)];
  const left = Math.max(0, Math.min(x - tip.width / 2, width - tip.width));
  return { left, top: below + tip.height + 6 < HEIGHT ? below + 6 : place.y(at.row) - tip.height - 6 };
}

/** Where the colour scale lies. */
export function legendPlace(width) {
  const inner = width - MARGIN.left - MARGIN.right;
  const bar = Math.min(300, inner);
  return { left: MARGIN.left + (inner - bar) / 2, top: HEIGHT - MARGIN.bottom + 12, width: bar };
}
