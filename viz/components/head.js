// One head as a heatmap. Streamlit calls the default export again with new data whenever the server sends some;
// the nodes stay and are given their new contents, so nothing flickers and the place of everything is kept.
// Hovering and zooming happen here alone; a click tells the server which row to explain.

const MARGIN = { left: 104, right: 44, top: 88, bottom: 58 };
const HEIGHT = 460;
const TURN = -60; // degrees, of the names of columns
const ROOM = { row: 13, column: 16 }; // the least between two names, CSS pixels
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

/** What is in view: whole rows and columns, [from, to), and where they lie. */
function geometry(map) {
  const { view, size } = map;
  const width = size.width - MARGIN.left - MARGIN.right;
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const cell = [width / (view.column[1] - view.column[0]), height / (view.row[1] - view.row[0])];
  return {
    width,
    height,
    cell,
    x: (column) => MARGIN.left + (column - view.column[0]) * cell[0],
    y: (row) => MARGIN.top + (row - view.row[0]) * cell[1],
  };
}

function paint(map) {
  const { canvas, data, view, image } = map;
  const { width, height, cell } = geometry(map);
  const ratio = window.devicePixelRatio || 1;
  resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
  Object.assign(canvas.style, {
    left: `${MARGIN.left}px`,
    top: `${MARGIN.top}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.imageSmoothingEnabled = Math.min(...cell) < 1;
  context.imageSmoothingQuality = "high";
  const part = [view.column[0], view.row[0], view.column[1] - view.column[0], view.row[1] - view.row[0]];
  context.drawImage(image, ...part, 0, 0, width, height);
  if (Math.min(...cell) < GAP_FROM) return;
  for (let column = 1; column < part[2]; column++) context.clearRect(column * cell[0] - 0.5, 0, 1, height);
  for (let row = 1; row < part[3]; row++) context.clearRect(0, row * cell[1] - 0.5, width, 1);
}

/** The names along one axis, as many as there is room for. */
function label(map, axis) {
  const { data, view, groups } = map;
  const place = geometry(map);
  const [from, to] = view[axis];
  const size = place.cell[axis === "row" ? 1 : 0];
  const every = Math.ceil(ROOM[axis] / size);
  const shown = Array.from({ length: to - from }, (_, i) => from + i).filter((i) => i % every === 0);
  children(groups[axis], "text", shown.length).forEach((text, i) => {
    const at = shown[i];
    write(text, data[`${axis}s`][at]);
    text.index = at;
    text.classList.add(axis);
    if (axis === "row") {
      set(text, { x: MARGIN.left - 6, y: place.y(at) + size / 2, dy: "0.35em" });
    } else {
      const x = place.x(at) + size / 2 + 3;
      set(text, { x, y: MARGIN.top - 5, transform: `rotate(${TURN} ${x} ${MARGIN.top - 5})` });
    }
  });
}

function frame(map) {
  const { data, view, pin } = map;
  const place = geometry(map);
  const visible = data.pinned !== null && data.pinned >= view.row[0] && data.pinned < view.row[1];
  pin.toggleAttribute("hidden", !visible);
  if (!visible) return;
  set(pin, { x: MARGIN.left - 1, y: place.y(data.pinned), width: place.width + 2, height: place.cell[1] });
  pin.style.stroke = data.accent;
}

function legend(map) {
  const { data, groups, size } = map;
  const width = Math.min(300, size.width - MARGIN.left - MARGIN.right);
  const left = MARGIN.left + (size.width - MARGIN.left - MARGIN.right - width) / 2;
  const top = HEIGHT - MARGIN.bottom + 12;
  children(map.gradient, "stop", data.scale.length).forEach((stop, i) =>
    set(stop, { offset: i / (data.scale.length - 1), "stop-color": data.scale[i] }),
  );
  set(map.bar, { x: left, y: top, width, height: 10 });
  const { ticks, colour } = SCALES[data.mode];
  const texts = children(groups.ticks, "text", ticks.length + 1);
  ticks.forEach((weight, i) => {
    write(set(texts[i], { x: left + width * colour(weight), y: top + 22 }), String(weight));
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

/** The row and column under a place on the page; null outside the cells. */
function cellAt(map, event) {
  const box = map.svg.getBoundingClientRect();
  const place = geometry(map);
  const column = Math.floor((event.clientX - box.left - MARGIN.left) / place.cell[0]) + map.view.column[0];
  const row = Math.floor((event.clientY - box.top - MARGIN.top) / place.cell[1]) + map.view.row[0];
  const inside = row >= map.view.row[0] && row < map.view.row[1] && event.clientX - box.left < size(map);
  if (!inside) return null;
  const known = column >= map.view.column[0] && column < map.view.column[1];
  return { row, column: known ? column : null }; // left of the cells: the row by its name
}

const size = (map) => map.size.width - MARGIN.right;

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
  const place = geometry(map);
  const [x, y] = [place.x(at.column + 0.5), place.y(at.row + 1)];
  tip.style.left = `${Math.max(0, Math.min(x - tip.offsetWidth / 2, map.size.width - tip.offsetWidth))}px`;
  tip.style.top = y + tip.offsetHeight + 6 < HEIGHT ? `${y + 6}px` : `${place.y(at.row) - tip.offsetHeight - 6}px`;
}

/** Look at all, or at a part: its rows and columns, [from, to). */
function look(map, part) {
  const { rows, columns } = map.data;
  map.zoomed = Boolean(part);
  map.view = part ? { row: part[0], column: part[1] } : { row: [0, rows.length], column: [0, columns.length] };
}

/** A person looks at all, or at a part. */
function looks(map, part) {
  look(map, part);
  draw(map);
  map.tell?.(part);
}

/** Zoom to the cells between two corners of a box that was drawn. */
function zoom(map, first, last) {
  const span = (axis) => [Math.min(first[axis], last[axis]), Math.max(first[axis], last[axis]) + 1];
  looks(map, [span("row"), span("column")]);
}

function listen(map) {
  let began = null; // where a box begins
  const { svg: area, box } = map;
  area.onpointerdown = (event) => {
    if (event.pointerType !== "touch") began = { event, cell: cellAt(map, event) };
  };
  area.onpointermove = (event) => {
    point(map, cellAt(map, event));
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
    const cell = cellAt(map, event);
    const drawn = !box.hasAttribute("hidden");
    box.toggleAttribute("hidden", true);
    const first = began?.cell;
    began = null;
    if (!drawn) {
      if (cell) map.choose(cell.row === map.data.pinned ? null : cell.row);
    } else if (cell && cell.column !== null && first.column !== null) zoom(map, first, cell);
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
    size: { width: root.clientWidth },
  };
  new ResizeObserver(() => {
    if (!root.clientWidth || root.clientWidth === map.size.width) return;
    map.size.width = root.clientWidth;
    draw(map);
  }).observe(root);
  listen(map);
  return map;
}

/** `zoomed`, where there is one, hears what part a person looks at (null: all), and brings it back in `data.zoom`. */
export default function ({ data, parentElement, setTriggerValue, zoomed }) {
  const root = parentElement.querySelector(".head-map");
  const map = (root.map ??= build(root));
  const before = map.data;
  map.data = data;
  map.choose = (row) => setTriggerValue("pinned", { row });
  map.tell = zoomed;
  map.weights = Float32Array.from(new Uint16Array(bytes(data.weights).buffer), (weight) => weight / 65535);
  const { colour } = SCALES[data.mode];
  map.image ??= document.createElement("canvas");
  cells(map.image, data.rows.length, data.columns.length, ramp(data.scale), (cell) =>
    Math.max(0, Math.round(255 * colour(map.weights[cell]))),
  );
  const same = before && ["rows", "columns"].every((axis) => before[axis].length === data[axis].length);
  if (zoomed) look(map, data.zoom);
  else if (!same || !map.zoomed) look(map, null);
  draw(map);
}
