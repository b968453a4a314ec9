// Where the lines run. A token's box is `{ left, top, width, height }`, in the coordinates of the canvas.

const FAINTEST = 0.02; // a line of less weight is not drawn, or there would be nothing but lines
const APART = 3; // pixels between the lines of two heads, or equal ones would hide each other

/** Where the line of a token begins (side "query") or ends ("key"). */
export function anchor({ left, top, width, height }, side, layout) {
  if (layout === "columns") return [side === "query" ? left + width : left, top + height / 2];
  return [left + width / 2, side === "query" ? top + height : top];
}

/** The control points of the curve between two anchors: it leaves and arrives straight. */
export function curve([x0, y0], [x1, y1], layout) {
  if (layout === "columns") return [(x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1];
  return [x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1];
}

/** How far the lines of the `head`th of `n` heads lie beside where they should, [x, y]. */
export function beside(head, n, layout) {
  const far = (head - (n - 1) / 2) * APART;
  return layout === "columns" ? [0, far] : [far, 0];
}

/** Opacity and width of a line; null for one that is not drawn. `alone`: only the lines of one token are. */
export function stroke(weight, alone) {
  if (weight < FAINTEST) return null;
  return { opacity: alone ? 0.25 + 0.75 * weight : 0.8 * weight, width: 0.5 + 3.5 * weight };
}
