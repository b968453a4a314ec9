// The numbers of one step as cells of colour. Rows are tokens (or heads), columns numbers. Hovering, tapping or the
// arrow keys choose a cell, and the tip shows the numbers, rows and columns it was made from.

import { cells, sharp } from "./canvas.js";
import { ink, ramp } from "./colours.js";
import { leave, part } from "./followed.js";
import { bytes, floats } from "./packed.js";
import { cellAt, geometry, LINES_FROM, NAME_FROM, namedRows, picked, written } from "./strips_geometry.js";

const ENDS = { Home: 0, End: Infinity };
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function draw(canvas) {
  const { latest: data, values } = canvas;
  const { fontFamily, fontSize } = getComputedStyle(canvas);
  const at = geometry(canvas.parentElement.clientWidth || 300, data, parseFloat(fontSize));
  canvas.geometry = at;
  canvas.style.height = `${at.full}px`;
  const context = sharp(canvas, at.left + at.width, at.full);
  const [low, high] = data.limits;
  const colours = ramp(data.scale);
  const level = (value) => Math.max(0, Math.min(255, Math.round((255 * (value - low)) / (high - low))));
  const place = (i) => (Number.isFinite(values[i]) ? level(values[i]) : 128);
  const image = cells(document.createElement("canvas"), at.rows, at.columns, colours, place);
  context.imageSmoothingEnabled = at.cell[0] < 1;
  const height = at.rows * at.cell[1];
  context.drawImage(image, at.left, 0, at.width, height);
  context.font = `${fontSize} ${fontFamily}`;
  context.textBaseline = "middle";
  if (at.kind === "list") numbers(context, at, data, values, colours, level);
  names(context, at, data, getComputedStyle(canvas).color);
  if (data.framed !== null && data.rows) {
    context.strokeStyle = data.accent;
    context.lineWidth = 2;
    context.strokeRect(at.left + 1, data.framed * at.cell[1] + 1, at.width - 2, Math.max(2, at.cell[1] - 2));
  }
}

/** The number in each cell of a list, where there is room; what is masked is greyed. */
function numbers(context, at, data, values, colours, level) {
  context.textAlign = "center";
  for (let row = 0; row < at.rows; row++) {
    const y = row * at.cell[1];
    if (!Number.isFinite(values[row])) {
      context.fillStyle = data.masked;
      context.fillRect(at.left, y, at.width, at.cell[1]);
    }
    if (at.cell[1] < NAME_FROM * at.unit) continue;
    if (at.cell[1] >= LINES_FROM) context.clearRect(at.left, y + at.cell[1] - 1, at.width, 1);
    context.fillStyle = ink(Number.isFinite(values[row]) ? colours[level(values[row])] : data.masked);
    const text = Number.isFinite(values[row]) ? written(values[row]) : "−∞ masked";
    context.fillText(text, at.left + at.width / 2, y + at.cell[1] / 2);
  }
}

function names(context, at, data, colour) {
  context.textAlign = "right";
  for (const row of namedRows(at, data)) {
    context.fillStyle = row === data.framed ? data.accent : colour;
    context.fillText(data.rows[row], at.left - 6, (row + 0.5) * at.cell[1], at.left - 8);
  }
}

function tell(canvas, tip, cell) {
  const { latest: data, values, geometry: at, operands } = canvas;
  const [row, column] = cell;
  canvas.cell = cell;
  const place = data.column ? `number ${column + 1} of ${at.columns}` : "";
  const [title, text, made] = tip.children;
  title.textContent = [data.rows ? data.rows[row] : "", place].filter(Boolean).join(", ");
  text.textContent = data.tip.replace(/\{(\w+)\}/g, (_, name) =>
    written(name === "value" ? values[row * at.columns + column] : picked(operands[name], cell)),
  );
  made.replaceChildren();
  const colours = ramp(data.diverging);
  for (const operand of operands.filter((other) => other.pick !== "number")) {
    const levels = picked(operand, cell);
    const label = document.createElement("label");
    label.textContent = `${operand.label} (${levels.length} numbers)`;
    made.append(
      label,
      cells(document.createElement("canvas"), 1, levels.length, colours, (i) => levels[i]),
    );
  }
  tip.hidden = false;
  const x = at.left + (column + 0.5) * at.cell[0];
  const room = canvas.parentElement.clientWidth - tip.offsetWidth;
  tip.style.left = `${Math.max(0, Math.min(room, x - tip.offsetWidth / 2))}px`;
  tip.style.top = `${(row + 1) * at.cell[1] + 8}px`;
}

/** The cell under the pointer; null outside. */
function pointed(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return cellAt(canvas.geometry, event.clientX - box.left, event.clientY - box.top);
}

function show(parentElement, data) {
  const canvas = parentElement.querySelector("canvas");
  const [from, bar, to] = parentElement.querySelector(".legend").children;
  const tip = parentElement.querySelector(".tip");
  parentElement.querySelector(".verdict").innerHTML = data.verdict; // made by the server
  canvas.latest = data;
  canvas.values = floats(data.values);
  canvas.operands = data.operands.map((operand) => {
    const unpack = operand.pick === "number" ? floats : bytes;
    return { ...operand, values: unpack(operand.values) };
  });
  canvas.setAttribute("aria-label", data.description);
  from.textContent = written(data.limits[0]);
  to.textContent = written(data.limits[1]);
  bar.style.background = `linear-gradient(to right, ${data.scale.join(",")})`;

  const over = (event) => {
    const cell = pointed(canvas, event);
    if (cell) tell(canvas, tip, cell);
    else tip.hidden = true;
  };
  canvas.onpointermove = canvas.onpointerdown = over;
  canvas.onpointerleave = canvas.onblur = () => (tip.hidden = true);
  canvas.onkeydown = (event) => {
    const move = MOVES[event.key];
    if (event.key === "Escape") tip.hidden = true;
    if (!move && !(event.key in ENDS)) return;
    event.preventDefault();
    const last = canvas.geometry;
    const [row, column] = canvas.cell ?? [0, 0];
    const by = move && !tip.hidden ? move : [0, 0];
    const next = move ? [row + by[0], column + by[1]] : [row, ENDS[event.key]];
    tell(canvas, tip, [
      Math.max(0, Math.min(last.rows - 1, next[0])),
      Math.max(0, Math.min(last.columns - 1, next[1])),
    ]);
  };
  tip.hidden = true;
  if (!canvas.observer) {
    canvas.observer = new ResizeObserver(() => draw(canvas));
    canvas.observer.observe(canvas.parentElement);
  }
  draw(canvas);
}

export function strips({ data: { name }, parentElement }) {
  const place = parentElement.querySelector(".strip");
  part(place, name, (data) => show(parentElement, data));
  return () => leave(place);
}
