// One head as a heatmap. Streamlit calls `head` again with new data whenever the server sends some;
// the nodes stay and are given their new contents, so nothing flickers and the place of everything is kept.
// Hovering and zooming happen here alone; a click tells the server which row to explain, one with Shift, or a long touch,
// which to add to it.

import { ink, level, ramp, SCALES } from "./colours.js";
import { paint } from "./head_cells.js";
import { geometry, legendPlace, named, STRIP, tipPlace, upright, viewOf } from "./head_geometry.js";
import { listen } from "./head_pointer.js";
import { meanOf, runs, unanswered } from "./head_rows.js";
import { pointedAt } from "./head_words.js";
import { weights } from "./packed.js";

const NUMBERS_FROM = 30; // cells of so many pixels have their numbers in the framed row
const TOLD = 0.05; // weight that is written into a cell
const FLAT = 0.15; // a row whose largest weight is no more looks at nothing above all
const ANSWERED = 2000; // milliseconds, in which the server answers a choice
const AXES = ["row", "column"];
const TICK = 2.2; // letters, that a number below the colour scale needs
const CORNER_LINE = 1.1; // letters

const svg = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);

/** Give a node attributes; what it has already is let be, or the browser would lay out and paint it again. */
function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes))
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  return node;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The children of a group, made to be `n`. */
function children(group, name, n) {
  while (group.childElementCount > n) group.lastElementChild.remove();
  while (group.childElementCount < n) group.append(svg(name));
  return [...group.children];
}

/** What the strip below the rows is called. */
const meanName = ({ data }) => `mean of ${data.together.length}`;

/** What there is for the picture: the size of its place and of its letters, and how wide each name is. */
function roomOf(map) {
  const { width, height, fontSize, fontFamily } = (map.size ??= sizeOf(map));
  const font = parseFloat(fontSize);
  map.ruler.font = `600 ${fontSize} ${fontFamily}`;
  const widths = (names) => names.map((name) => map.ruler.measureText(name).width);
  const names = { row: widths(map.data.rows), column: widths(map.data.columns) };
  const strip = map.mean && map.ruler.measureText(meanName(map)).width;
  if (!width) map.size = null; // it is not on the page yet
  return { width, height, font, names, strip };
}

/** Measured once, until it changes: of a page whose parts change one after another each would be laid out anew. */
function sizeOf({ root }) {
  const { fontSize, fontFamily } = getComputedStyle(root);
  return { width: root.clientWidth, height: root.clientHeight, fontSize, fontFamily };
}

/** The weights that are explained: of the framed row, or the mean of several; null where there are none. */
function explained({ data, weights, mean }) {
  if (mean) return mean;
  const { length } = data.columns;
  return data.pinned === null ? null : weights.subarray(data.pinned * length, (data.pinned + 1) * length);
}

/** The key that gets most of them; null where they are flat. */
function topKey(map) {
  const row = explained(map);
  if (row === null) return null;
  const top = row.reduce((best, weight, i) => (weight > row[best] ? i : best), 0);
  return row[top] > FLAT ? top : null;
}

/** The names along one axis; what is framed, what it looks at and what is pointed at always has one. */
function label(map, axis) {
  const { place, view, data, at } = map;
  const names = { row: data.rows, column: data.columns }[axis];
  const own = (axis === "row" ? framed(map) : [topKey(map)]).filter((i) => i !== null);
  const shown = named(
    place,
    view,
    axis,
    [...own, at?.[axis]].filter((i) => i !== null && i !== undefined),
  );
  children(map.groups[axis], "text", shown.length).forEach((text, i) => {
    const one = shown[i];
    write(text, names[one]);
    text.index = one;
    text.classList.add(axis);
    text.classList.toggle("own", own.includes(one));
    text.classList.toggle("at", one === at?.[axis]);
    if (axis === "row") set(text, { x: place.left - 8, y: place.y(one + 0.5), dy: "0.35em", transform: "" });
    else if (!place.turn) {
      const width = (map.room.names.column[one] * place.font) / map.room.font;
      const [x, anchor] = upright(place, view, one, width);
      set(text, { x, y: place.top - 6, "text-anchor": anchor, transform: "" });
    } else {
      const [x, y] = [place.x(one + 0.5) + place.font / 4, place.top - 5];
      set(text, { x, y, "text-anchor": "start", transform: `rotate(${place.turn} ${x} ${y})` });
    }
  });
}

/** The rows that are framed: those together, or the one that is pinned. */
const framed = ({ data, mean }) => (mean ? data.together : [data.pinned].filter((row) => row !== null));

function frame(map) {
  const { data, view, pin, groups, place } = map;
  const [from, to] = view.row;
  const visible = framed(map).filter((row) => row >= from && row < to);
  pin.toggleAttribute("hidden", !visible.includes(data.pinned));
  if (!pin.hasAttribute("hidden"))
    set(pin, { x: place.left - 1, y: place.y(data.pinned), width: place.width + 2, height: place.cell });
  const several = map.mean ? runs(visible) : [];
  children(groups.frames, "rect", several.length).forEach((rectangle, i) => {
    const [first, last] = several[i];
    const [y, height] = [place.y(first), (last - first + 1) * place.cell];
    set(rectangle, { x: place.left - 1, y, width: place.width + 2, height });
  });
  map.root.style.setProperty("--head-accent", data.accent);
  together(map);
  numbers(map, !map.mean && !visible.length);
}

/** The strip below the cells: its frame, and what it is. */
function together({ data, place, groups }) {
  const { strip } = place;
  const [rectangle] = children(groups.frame, "rect", strip ? 1 : 0);
  const [name] = children(groups.strip, "text", strip ? 1 : 0);
  if (!strip) return;
  set(rectangle, { x: place.left - 1, y: strip.top, width: place.width + 2, height: strip.height });
  write(name, meanName({ data }));
  set(name, { x: place.left - 8, y: strip.top + strip.height / 2, dy: "0.35em" });
}

/** In the framed row, or in the mean of several, each cell says its weight in percent, where there is room. */
function numbers(map, none) {
  const { data, view, place } = map;
  const row = none ? null : explained(map);
  const told = row === null || place.cell < NUMBERS_FROM ? [] : [...row.keys()].filter((column) => row[column] >= TOLD);
  const shown = told.filter((column) => column >= view.column[0] && column < view.column[1]);
  const y = place.strip ? place.strip.top + place.strip.height / 2 : place.y(data.pinned + 0.5);
  const colours = ramp(data.scale);
  children(map.groups.numbers, "text", shown.length).forEach((text, i) => {
    write(text, String(Math.round(100 * row[shown[i]])));
    set(text, { x: place.x(shown[i] + 0.5), y, dy: "0.35em" });
    text.style.fill = ink(colours[level(row[shown[i]], data.mode)]);
  });
}

function legend(map) {
  const { data, groups, place, room } = map;
  const { left, top, width } = legendPlace(place);
  children(map.gradient, "stop", data.scale.length).forEach((stop, i) =>
    set(stop, { offset: i / (data.scale.length - 1), "stop-color": data.scale[i] }),
  );
  set(map.bar, { x: left, y: top, width, height: 10 });
  const { ticks, names, place: along } = SCALES[data.mode];
  const texts = children(groups.ticks, "text", ticks.length + 2);
  const last = ticks.length - 1;
  const every = width / last < TICK * room.font ? 2 : 1;
  ticks.forEach((weight, i) => {
    const end = { 0: "start", [last]: "end" }[i] ?? "middle";
    const text = i % every && i < last ? "" : (names?.[i] ?? String(weight));
    write(set(texts[i], { x: left + width * along(weight), y: top + 10 + room.font, "text-anchor": end }), text);
  });
  const beside = { x: left + width + 8, "text-anchor": "start" };
  write(set(texts.at(-2), { ...beside, y: top + 10 }), data.legend);
  write(set(texts.at(-1), { ...beside, y: top + 10 + room.font }), data.hatched);
}

/** What the axes are, where they meet. */
function corner({ corners, data, place, room }) {
  const lines = [...data.across, ...data.down];
  corners.forEach((text, i) => {
    const above = 0.4 + CORNER_LINE * (lines.length - 1 - i);
    write(set(text, { x: place.left - 8, y: place.top - above * room.font }), lines[i]);
  });
}

function draw(map) {
  map.room = roomOf(map);
  map.place = geometry(map.room, map.view);
  set(map.svg, { height: map.room.height, "aria-label": map.data.description });
  map.svg.style.fontSize = `${map.place.font}px`;
  paint(map);
  frame(map);
  legend(map);
  corner(map);
  map.whole.hidden = !map.zoomed;
  point(map, map.at);
}

/** Say what the pointed cell holds: to the page where it listens, else beside the cell. */
function point(map, at) {
  const { data, tip } = map;
  const gone = at?.row === STRIP && !map.mean;
  const there = at !== null && !gone && at.row < data.rows.length && (at.column ?? 0) < data.columns.length;
  map.at = there ? at : null;
  for (const axis of AXES) label(map, axis);
  const said = there && at.column !== null ? pointedAt(map, at) : null;
  map.say?.(said);
  tip.hidden = said === null || map.say !== undefined;
  if (tip.hidden) return;
  tip.textContent = said;
  const size = { width: tip.offsetWidth, height: tip.offsetHeight };
  const { left, top } = tipPlace(map.place, map.room, at, size);
  Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
}

/** Look at all, or at a part: its rows and columns, [from, to). */
function look(map, part) {
  map.zoomed = Boolean(part);
  map.view = viewOf(part, map.data.rows.length, map.data.columns.length);
}

/** A person looks at all, or at a part. */
function looks(map, part) {
  look(map, part);
  draw(map);
  map.tell?.(part);
}

let maps = 0; // of this page

/** The nodes of a new picture. */
function build(root) {
  const find = (selector) => root.querySelector(selector);
  const map = {
    root,
    canvas: find("canvas"),
    image: document.createElement("canvas"),
    ruler: document.createElement("canvas").getContext("2d"),
    svg: find("svg"),
    tip: find(".tip"),
    pin: find(".pin"),
    box: find(".box"),
    bar: find(".bar"),
    gradient: find("linearGradient"),
    whole: find("button"),
    corners: [...root.querySelectorAll(".corner")],
    groups: {
      row: find(".rows"),
      column: find(".columns"),
      ticks: find(".ticks"),
      numbers: find(".numbers"),
      frames: find(".frames"),
      frame: find(".strip-frame"),
      strip: find(".strip"),
    },
    at: null,
  };
  map.gradient.id = `headlight-scale-${++maps}`; // several on one page may have scales of their own
  set(map.bar, { fill: `url(#${map.gradient.id})` });
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = root;
    map.size = null;
    if (width && height && (width !== map.room?.width || height !== map.room?.height)) draw(map);
  }).observe(root);
  listen(map, { point, looks });
  return map;
}

/** From now on these are the rows that are explained. */
function explain(map, data) {
  map.data = data;
  map.mean = data.together?.length > 1 ? meanOf(map.weights, data.columns.length, data.together) : null;
}

/**
 * `zoomed`, where there is one, hears what part a person looks at (null: all), and brings it back in `data.zoom`; `say`
 * hears what is pointed at, in words (null: nothing).
 */
export function head({ data, parentElement, setTriggerValue, zoomed, say }) {
  const root = parentElement.querySelector(".head-map");
  const map = (root.map ??= build(root));
  const before = map.data;
  Object.assign(map, { say, tell: zoomed, weights: weights(data.weights) });
  map.chosen = unanswered(map.chosen, before, data, performance.now());
  if (map.chosen) data = { ...data, pinned: map.chosen.row, together: data.together && map.chosen.together };
  explain(map, data);
  map.choose = (row, together = []) => {
    map.chosen = { row, together, until: performance.now() + ANSWERED };
    if (row !== null) {
      // What is chosen next may come before the server's answer to this.
      explain(map, { ...map.data, pinned: row, together: map.data.together && together });
      draw(map);
    }
    setTriggerValue("pinned", { row, together });
  };
  const same = before?.rows.length === data.rows.length && before.columns.length === data.columns.length;
  if (zoomed) look(map, data.zoom);
  else if (!same || !map.zoomed) look(map, null);
  draw(map);
}
