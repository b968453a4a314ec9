// The cells of a large heatmap on its canvas, and how they glide to new places.

import { cells, sharp } from "./canvas.js";
import { level, ramp } from "./colours.js";
import { cameFrom, eased } from "./head_motion.js";

const GAP_FROM = 7; // cells of so many pixels have a line between them
const MILLISECONDS = 150;
const MOST = 2500; // cells that are drawn one by one
const STROKES_APART = 9; // pixels, along a row, of those across what is masked
const DOT = 4; // pixels, in the corner of its cell, at most
const HATCH = 0.35; // as much of the colour of letters

/** Cells as they are now: what is drawn, where, and in which colours. */
const state = ({ weights, data, view, place }) => ({ weights, data, view, place });

/** Draw the cells; those that stood elsewhere before glide to their places, where that helps the eye. */
export function paint(map) {
  cancelAnimationFrame(map.gliding);
  const before = map.painted;
  map.painted = state(map);
  map.colours = ramp(map.data.scale);
  const origin = moving(map, before) && from(before, map);
  if (!origin) return drawn(map, null, 1);
  const began = performance.now();
  const frame = (now) => {
    const share = (now - began) / MILLISECONDS;
    drawn(map, origin, eased(share));
    if (share < 1) map.gliding = requestAnimationFrame(frame);
  };
  frame(began);
}

function moving({ data, view }, before) {
  if (!before || before.data === data || window.matchMedia("(prefers-reduced-motion: reduce)").matches) return false;
  const whole = (one) => one.view.row[1] - one.view.row[0] === one.data.rows.length;
  return whole(before) && whole({ data, view }) && Math.max(size(before.data), size(data)) <= MOST;
}

const size = ({ rows, columns }) => rows.length * columns.length;

/** For each row and column where it stood before, -1 where it is new. */
function from(before, { data }) {
  return {
    ...before,
    rows: cameFrom(before.data.rows, data.rows),
    columns: cameFrom(before.data.columns, data.columns),
  };
}

function drawn(map, origin, share) {
  const context = sharp(map.canvas, map.room.width, map.room.height);
  const { row, column } = map.view;
  const few = (row[1] - row[0]) * (column[1] - column[0]) <= MOST && map.place.cell >= 4;
  if (few) oneByOne(map, context, origin, share);
  else asImage(map, context);
  if (map.data.masked.length) hatch(map, context);
  dots(map, context);
  if (map.mean && map.place.strip) strip(map, context);
}

/** Whether a row may not look at a column. */
export function isMasked({ masked }, row, column) {
  if (!masked.length) return false;
  const [from, to] = masked[row];
  return column >= from && column < to;
}

/** What may not be looked at is hollow, and has rising strokes across it. */
function hatch({ root, data, view, place }, context) {
  const [left, right] = view.column;
  const { x, y, cell } = place;
  const every = Math.max(1, Math.round(STROKES_APART / cell));
  context.save();
  context.strokeStyle = getComputedStyle(root).color;
  context.globalAlpha = HATCH;
  context.beginPath();
  for (let row = view.row[0]; row < view.row[1]; row++) {
    const [from, to] = [Math.max(left, data.masked[row][0]), Math.min(right, data.masked[row][1])];
    if (from >= to) continue;
    context.clearRect(x(from), y(row), (to - from) * cell, cell);
    for (let column = from; column < to; column++)
      if ((row + column) % every === 0) {
        context.moveTo(x(column), y(row + 1));
        context.lineTo(x(column + 1), y(row));
      }
  }
  context.stroke();
  context.restore();
}

/** What is marked has a dot. */
function dots({ data, view, place }, context) {
  const radius = Math.min(DOT, place.cell / 4);
  for (const [row, column] of data.marked) {
    if (row < view.row[0] || row >= view.row[1] || column < view.column[0] || column >= view.column[1]) continue;
    context.beginPath();
    context.arc(place.x(column) + place.cell - 2 * radius, place.y(row) + 2 * radius, radius, 0, 2 * Math.PI);
    context.fillStyle = data.accent;
    context.strokeStyle = "#ffffff";
    context.fill();
    context.stroke();
  }
}

/** Where several rows look together, below them all. */
function strip({ mean, data, view, place, colours }, context) {
  const gap = place.cell >= 3 * GAP_FROM ? 2 : place.cell >= GAP_FROM ? 1 : 0;
  for (let column = view.column[0]; column < view.column[1]; column++) {
    context.fillStyle = `rgb(${colours[level(mean[column], data.mode)].map(Math.round).join(" ")})`;
    context.fillRect(place.x(column) + gap / 2, place.strip.top + gap / 2, place.cell - gap, place.strip.height - gap);
  }
}

function oneByOne({ weights, data, view, place, colours }, context, origin, share) {
  const gap = place.cell >= 3 * GAP_FROM ? 2 : place.cell >= GAP_FROM ? 1 : 0;
  const between = (then, now) => then + (now - then) * share;
  for (let row = view.row[0]; row < view.row[1]; row++)
    for (let column = view.column[0]; column < view.column[1]; column++) {
      let [weight, x, y] = [weights[row * data.columns.length + column], place.x(column), place.y(row)];
      const [r, c] = origin ? [origin.rows[row], origin.columns[column]] : [-1, -1];
      if (origin && r >= 0 && c >= 0) {
        weight = between(origin.weights[r * origin.data.columns.length + c], weight);
        [x, y] = [between(origin.place.x(c), x), between(origin.place.y(r), y)];
      } else if (origin) weight *= share;
      context.fillStyle = `rgb(${colours[level(weight, data.mode)].map(Math.round).join(" ")})`;
      context.fillRect(x + gap / 2, y + gap / 2, place.cell - gap, place.cell - gap);
    }
}

function asImage({ weights, data, view, place, colours, image }, context) {
  cells(image, data.rows.length, data.columns.length, colours, (cell) => level(weights[cell], data.mode));
  context.imageSmoothingEnabled = place.cell < 1;
  context.imageSmoothingQuality = "high";
  const part = [view.column[0], view.row[0], view.column[1] - view.column[0], view.row[1] - view.row[0]];
  context.drawImage(image, ...part, place.left, place.top, place.width, place.height);
}
