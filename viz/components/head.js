// One head as a heatmap. Streamlit calls `head` again with new data whenever the server sends some;
// the nodes stay and are given their new contents, so nothing flickers and the place of everything is kept.
// Hovering and zooming happen here alone; a click tells the server which row to explain.

import { cells, sharp } from "./canvas.js";
import { level, ramp, SCALES } from "./colours.js";
import { between, cellAt, geometry, HEIGHT, legendPlace, MARGIN, named, tipPlace, viewOf } from "./head_geometry.js";
import { weights } from "./packed.js";

const TURN = -60; // degrees, of the names of columns
const GAP_FROM = 7; // cells of so many pixels have a line between them
const DRAG_FROM = 6; // pixels; less is a click

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

function paint(map) {
  const { canvas, view, image } = map;
  const { width, height, cell } = geometry(map.width, view);
  const place = { left: MARGIN.left, top: MARGIN.top, width, height };
  for (const [name, pixels] of Object.entries(place)) canvas.style[name] = `${pixels}px`;
  const context = sharp(canvas, width, height);
  context.imageSmoothingEnabled = Math.min(...cell) < 1;
  context.imageSmoothingQuality = "high";
  const part = [view.column[0], view.row[0], view.column[1] - view.column[0], view.row[1] - view.row[0]];
  context.drawImage(image, ...part, 0, 0, width, height);
  if (Math.min(...cell) < GAP_FROM) return;
  for (let column = 1; column < part[2]; column++) context.clearRect(column * cell[0] - 0.5, 0, 1, height);
  for (let row = 1; row < part[3]; row++) context.clearRect(0, row * cell[1] - 0.5, width, 1);
}

/** The names along one axis. */
function label(map, axis) {
  const place = geometry(map.width, map.view);
  const names = { row: map.data.rows, column: map.data.columns }[axis];
  const shown = named(map.width, map.view, axis);
  children(map.groups[axis], "text", shown.length).forEach((text, i) => {
    const at = shown[i];
    write(text, names[at]);
    text.index = at;
    text.classList.add(axis);
    if (axis === "row") {
      set(text, { x: MARGIN.left - 6, y: place.y(at + 0.5), dy: "0.35em" });
    } else {
      const x = place.x(at + 0.5) + 3;
      set(text, { x, y: MARGIN.top - 5, transform: `rotate(${TURN} ${x} ${MARGIN.top - 5})` });
    }
  });
}

function frame(map) {
  const { data, view, pin } = map;
  const place = geometry(map.width, view);
  const visible = data.pinned !== null && data.pinned >= view.row[0] && data.pinned < view.row[1];
  pin.toggleAttribute("hidden", !visible);
  if (!visible) return;
  set(pin, { x: MARGIN.left - 1, y: place.y(data.pinned), width: place.width + 2, height: place.cell[1] });
  pin.style.stroke = data.accent;
}

function legend(map) {
  const { data, groups } = map;
  const { left, top, width } = legendPlace(map.width);
  children(map.gradient, "stop", data.scale.length).forEach((stop, i) =>
    set(stop, { offset: i / (data.scale.length - 1), "stop-color": data.scale[i] }),
  );
  set(map.bar, { x: left, y: top, width, height: 10 });
  const { ticks, place } = SCALES[data.mode];
  const texts = children(groups.ticks, "text", ticks.length + 1);
  ticks.forEach((weight, i) => {
    write(set(texts[i], { x: left + width * place(weight), y: top + 22 }), String(weight));
  });
  write(set(texts.at(-1), { x: left + width / 2, y: top + 38 }), data.legend);
}

function draw(map) {
  set(map.svg, { height: HEIGHT, "aria-label": map.data.description });
  paint(map);
  label(map, "row");
  label(map, "column");
  frame(map);
  legend(map);
  map.whole.hidden = !map.zoomed;
  point(map, map.at);
}

/** The cell under the pointer; null outside. */
function pointed(map, event) {
  const box = map.svg.getBoundingClientRect();
  return cellAt(map.width, map.view, event.clientX - box.left, event.clientY - box.top);
}

/** Say what the pointed cell holds. */
function point(map, at) {
  const { data, tip, groups } = map;
  map.at = at;
  for (const axis of ["row", "column"])
    for (const text of groups[axis].children) text.classList.toggle("at", at !== null && text.index === at[axis]);
  tip.hidden = at === null || at.column === null || at.row >= data.rows.length || at.column >= data.columns.length;
  if (tip.hidden) return;
  const weight = map.weights[at.row * data.columns.length + at.column];
  tip.replaceChildren(
    ...[`from “${data.rows[at.row]}” to “${data.columns[at.column]}”`, `weight ${weight.toFixed(3)}`].map((line) => {
      const part = document.createElement("div");
      part.textContent = line;
      return part;
    }),
  );
  const size = { width: tip.offsetWidth, height: tip.offsetHeight };
  const { left, top } = tipPlace(map.width, map.view, at, size);
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

function listen(map) {
  let began = null; // where a box begins
  const { svg: area, box } = map;
  area.onpointerdown = (event) => {
    if (event.pointerType !== "touch") began = { event, cell: pointed(map, event) };
  };
  area.onpointermove = (event) => {
    point(map, pointed(map, event));
    if (!began?.cell) return;
    const [from, rectangle] = [began.event, area.getBoundingClientRect()];
    const far = Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) >= DRAG_FROM;
    box.toggleAttribute("hidden", !far);
    set(box, {
      x: Math.min(event.clientX, from.clientX) - rectangle.left,
      y: Math.min(event.clientY, from.clientY) - rectangle.top,
      width: Math.abs(event.clientX - from.clientX),
      height: Math.abs(event.clientY - from.clientY),
    });
  };
  area.onpointerup = (event) => {
    const cell = pointed(map, event);
    const drawn = !box.hasAttribute("hidden");
    box.toggleAttribute("hidden", true);
    const first = began?.cell;
    began = null;
    if (!drawn) {
      if (cell) map.choose(cell.row === map.data.pinned ? null : cell.row);
    } else if (cell && cell.column !== null && first.column !== null) looks(map, between(first, cell));
  };
  area.onpointerleave = () => {
    began = null;
    box.toggleAttribute("hidden", true);
    point(map, null);
  };
  area.onkeydown = (event) => {
    const { rows, columns, pinned } = map.data;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      const row = (pinned ?? -1) + step;
      if (row >= 0 && row < rows.length) map.choose(row);
    } else if (side) {
      const column = Math.max(0, Math.min(columns.length - 1, (map.at?.column ?? -1) + side));
      point(map, { row: pinned ?? map.at?.row ?? 0, column });
    } else if (event.key === "Escape") {
      point(map, null);
      if (map.zoomed) looks(map, null);
    } else return;
    event.preventDefault();
  };
  map.whole.onclick = () => looks(map, null);
}

/** The nodes of a new picture. */
function build(root) {
  const find = (selector) => root.querySelector(selector);
  const map = {
    canvas: find("canvas"),
    svg: find("svg"),
    tip: find(".tip"),
    pin: find(".pin"),
    box: find(".box"),
    bar: find(".bar"),
    gradient: find("linearGradient"),
    whole: find("button"),
    groups: { row: find(".rows"), column: find(".columns"), ticks: find(".ticks") },
    at: null,
    width: root.clientWidth,
  };
  new ResizeObserver(() => {
    if (!root.clientWidth || root.clientWidth === map.width) return;
    map.width = root.clientWidth;
    draw(map);
  }).observe(root);
  listen(map);
  return map;
}

/** `zoomed`, where there is one, hears what part a person looks at (null: all), and brings it back in `data.zoom`. */
export function head({ data, parentElement, setTriggerValue, zoomed }) {
  const root = parentElement.querySelector(".head-map");
  const map = (root.map ??= build(root));
  const before = map.data;
  map.data = data;
  map.choose = (row) => setTriggerValue("pinned", { row });
  map.tell = zoomed;
  map.weights = weights(data.weights);
  map.image ??= document.createElement("canvas");
  cells(map.image, data.rows.length, data.columns.length, ramp(data.scale), (cell) =>
    level(map.weights[cell], data.mode),
  );
  const same = before?.rows.length === data.rows.length && before.columns.length === data.columns.length;
  if (zoomed) look(map, data.zoom);
  else if (!same || !map.zoomed) look(map, null);
  draw(map);
}
