// A head over the steps of a training: frame after frame on a canvas, and one of its measures with a marker.
// The same code plays on the page and in the file that is taken along.

import { cells, sharp } from "./canvas.js";
import { ramp } from "./colours.js";
import { cellAt, curveGeometry, mapGeometry, tick } from "./film_geometry.js";
import { bytes } from "./packed.js";

const GAP_FROM = 7; // cells of so many pixels have a line between them, three times as large ones a wider one
const TURN = -Math.PI / 4; // of the names of columns
const UPWARDS = -Math.PI / 2;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const ENDS = { Home: 0, End: Infinity };

/** Make a canvas so large, in CSS pixels, and give its context, which writes as the page does. */
function sized(film, canvas, width, height) {
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = sharp(canvas, width, height);
  context.font = film.font;
  return context;
}

/** Where the map lies: as large as the room allows. */
function placed(film) {
  const { data, context } = film;
  const { rows, columns } = data;
  const { fontSize, fontFamily } = getComputedStyle(film.map);
  context.font = film.font = `${fontSize} ${fontFamily}`;
  const longest = (names) => Math.max(...names.map((name) => context.measureText(name).width));
  const names = { rows: longest(rows), columns: longest(columns), last: longest(columns.slice(-3)) };
  return mapGeometry(film.root.clientWidth, rows.length, columns.length, names, parseFloat(fontSize));
}

function drawMap(film) {
  const { data, at } = film;
  const place = (film.place = placed(film));
  const context = sized(film, film.map, place.width, place.height);
  const [rows, columns] = [data.rows.length, data.columns.length];
  const size = rows * columns;
  film.image ??= document.createElement("canvas");
  cells(film.image, rows, columns, film.ramp, (cell) => film.levels[at * size + cell]);
  context.imageSmoothingEnabled = false;
  context.drawImage(film.image, place.left, place.top, columns * place.cell, rows * place.cell);
  lines(context, place, rows, columns);
  names(context, place, data);
  film.map.setAttribute("aria-label", `${data.title}, step ${data.steps[at]}`);
}

/** What parts the cells, where they are large enough. */
function lines(context, { left, top, cell }, rows, columns) {
  const gap = cell >= 3 * GAP_FROM ? 2 : 1;
  if (cell < GAP_FROM) return;
  for (let column = 1; column < columns; column++)
    context.clearRect(left + column * cell - gap / 2, top, gap, rows * cell);
  for (let row = 1; row < rows; row++) context.clearRect(left, top + row * cell - gap / 2, columns * cell, gap);
}

function names(context, place, data) {
  context.fillStyle = data.text;
  context.textBaseline = "middle";
  context.textAlign = "right";
  data.rows.forEach((name, row) => {
    if (row % place.every === 0) context.fillText(name, place.left - 6, place.top + (row + 0.5) * place.cell);
  });
  axes(context, place, data);
  context.textAlign = place.upright ? "center" : "left";
  data.columns.forEach((name, column) => {
    if (column % place.every) return;
    context.save();
    context.translate(place.left + (column + 0.5) * place.cell, place.top - place.letter * (place.upright ? 0.8 : 0.5));
    if (!place.upright) context.rotate(TURN);
    context.fillText(name, 0, 0);
    context.restore();
  });
}

/** What rows and columns are. */
function axes(context, place, data) {
  context.textAlign = "center";
  context.fillText(data.across, place.left + (data.columns.length * place.cell) / 2, 0.7 * place.letter);
  context.save();
  context.translate(0.7 * place.letter, place.top + (data.rows.length * place.cell) / 2);
  context.rotate(UPWARDS);
  context.fillText(data.down, 0, 0);
  context.restore();
}

function drawCurve(film) {
  const { data, at } = film;
  const place = curveGeometry(film.root.clientWidth, data, film.place.letter);
  const context = sized(film, film.curve, place.width, place.height);
  frame(context, place, data, film.place.letter);
  context.lineWidth = 2.5;
  context.strokeStyle = film.stroke;
  curve(context, place, data);
  context.lineWidth = 1.5;
  if (data.formed !== null) {
    upright(context, place, data.formed, [2, 3]);
    context.fillStyle = film.stroke;
    context.textAlign = "right";
    context.fillText(`forms at ${data.formed.toLocaleString("en")}`, place.right, place.top - 0.9 * film.place.letter);
  }
  context.strokeStyle = context.fillStyle = data.accent;
  upright(context, place, data.steps[at], []);
  if (data.values[at] !== null) {
    context.beginPath();
    context.arc(place.x(data.steps[at]), place.y(data.values[at]), 5, 0, 2 * Math.PI);
    context.fill();
  }
  film.curve.setAttribute("aria-label", `${data.measure} over the steps, now ${data.values[at]}`);
}

/** The frame of the curve with the names of its axes. */
function frame(context, { left, top, right, bottom, x, y }, data, letter) {
  context.fillStyle = context.strokeStyle = data.text;
  context.globalAlpha = 0.35;
  context.strokeRect(left, top, right - left, bottom - top);
  context.globalAlpha = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of [data.low, (data.low + data.high) / 2, data.high])
    context.fillText(tick(value), left - 6, y(value));
  context.textAlign = "center";
  for (const step of [0, data.steps.at(-1) || 1])
    context.fillText(step.toLocaleString("en"), Math.min(x(step), right - letter), bottom + 0.8 * letter);
  context.fillText("step", (left + right) / 2, bottom + 1.8 * letter);
  context.textAlign = "left";
  context.fillText(data.measure, left, top - 0.9 * letter);
}

/** A line through the values; it breaks where one is undefined. */
function curve(context, { x, y }, data) {
  context.beginPath();
  data.values.forEach((value, i) => {
    if (value === null) return;
    const to = [x(data.steps[i]), y(value)];
    if ((data.values[i - 1] ?? null) === null) context.moveTo(...to);
    else context.lineTo(...to);
  });
  context.stroke();
}

function upright(context, { x, top, bottom }, step, dash) {
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(x(step), top);
  context.lineTo(x(step), bottom);
  context.stroke();
  context.setLineDash([]);
}

function showFrame(film, at) {
  film.at = Math.max(0, Math.min(film.data.steps.length - 1, at));
  film.range.value = film.at;
  film.back.disabled = film.at === 0;
  film.on.disabled = film.at === film.data.steps.length - 1;
  film.output.textContent = `step ${film.data.steps[film.at].toLocaleString("en")}`;
  film.written.textContent = `On its own the model writes: ${film.data.written[film.at] || "(nothing)"}`;
  drawMap(film);
  drawCurve(film);
  pointAt(film, film.pointed);
}

/** Say what the pointed cell holds. */
function pointAt(film, cell) {
  film.pointed = cell;
  const { data, at } = film;
  if (!cell) {
    film.said.textContent =
      "Rows attend to columns; the stronger the colour, the higher the weight. Point at a cell to see its weight.";
    return;
  }
  const [row, column] = cell;
  const level = film.levels[(at * data.rows.length + row) * data.columns.length + column];
  const weight = level / 255;
  const share = `${Math.round(100 * weight)}% of its attention (${weight.toFixed(2)})`;
  film.said.textContent = `“${data.rows[row]}” looks at “${data.columns[column]}”: ${share}.`;
}

function pause(film) {
  clearInterval(film.playing);
  film.playing = null;
  film.button.textContent = "Play";
}

function play(film) {
  if (film.at === film.data.steps.length - 1) showFrame(film, 0);
  film.button.textContent = "Pause";
  film.playing = setInterval(() => {
    if (!film.root.isConnected || film.at === film.data.steps.length - 1) pause(film);
    else showFrame(film, film.at + 1);
  }, 1000 * film.data.seconds);
}

/** A person goes on by so many steps. */
function steps(film, by) {
  pause(film);
  showFrame(film, film.at + by);
}

/** The arrow keys point at a cell, Home and End at the ends of its row. */
function walk(film, event) {
  const { rows, columns } = film.data;
  const [row, column] = film.pointed ?? [0, 0];
  const move = film.pointed ? MOVES[event.key] : MOVES[event.key] && [0, 0];
  if (!move && !(event.key in ENDS)) return;
  event.preventDefault();
  const to = move ? [row + move[0], column + move[1]] : [row, ENDS[event.key]];
  pointAt(
    film,
    [rows, columns].map((names, axis) => Math.max(0, Math.min(names.length - 1, to[axis]))),
  );
}

/** The nodes of a film; what is done to them is heard. */
function build(root) {
  const find = (selector) => root.querySelector(selector);
  const film = {
    root,
    map: find(".map"),
    curve: find(".curve"),
    range: find("input"),
    button: find(".play"),
    back: find(".back"),
    on: find(".on"),
    output: find("output"),
    written: find(".written"),
    said: find(".said"),
    at: null,
    pointed: null,
    playing: null,
  };
  film.context = film.map.getContext("2d");
  film.range.oninput = () => {
    pause(film);
    showFrame(film, Number(film.range.value));
  };
  film.button.onclick = () => (film.playing ? pause(film) : play(film));
  film.back.onclick = () => steps(film, -1);
  film.on.onclick = () => steps(film, 1);
  film.map.onkeydown = (event) => walk(film, event);
  film.map.onblur = () => pointAt(film, null);
  film.map.onpointerdown = film.map.onpointermove = (event) => {
    const box = film.map.getBoundingClientRect();
    const { rows, columns } = film.data;
    const place = [event.clientX - box.left, event.clientY - box.top];
    pointAt(film, cellAt(film.place, rows.length, columns.length, ...place));
  };
  film.map.onpointerleave = () => pointAt(film, null);
  let width = root.clientWidth;
  new ResizeObserver(() => {
    if (!root.clientWidth || root.clientWidth === width) return;
    width = root.clientWidth;
    showFrame(film, film.at);
  }).observe(root);
  return film;
}

/** Show a film where the nodes of `HTML` in viz/export/film.py are; called again, it shows another one there. */
export function film({ data, parentElement }) {
  const root = parentElement.querySelector(".film");
  const own = (root.film ??= build(root));
  Object.assign(own, {
    data,
    levels: bytes(data.levels),
    ramp: ramp(data.scale),
    stroke: data.scale[Math.floor(data.scale.length * 0.55)],
  });
  own.range.max = data.steps.length - 1;
  const first = own.at === null;
  showFrame(own, own.at ?? data.steps.length - 1);
  if (first && data.autoplay && !matchMedia("(prefers-reduced-motion: reduce)").matches) play(own);
}
