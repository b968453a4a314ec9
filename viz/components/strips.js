// The numbers of one step as cells of colour. Rows are tokens (or heads), columns numbers. Hovering, tapping or the
// arrow keys choose a cell, and the tip shows the numbers, rows and columns it was made from.

const NAMES = 92; // room for the names of rows, CSS pixels
const TALL = 168; // of a matrix
const LIST = 252; // of a list of scores
const ROW = { matrix: 22, list: 21, vector: 26 }; // the highest rows
const NAME_FROM = 10; // a row of so many pixels has its name; of lower ones only some have
const LINES_FROM = 7; // cells of so many pixels have a line between them

const float32 = (text) => new Float32Array(bytes(text).buffer);

/** A number as people read it, with four digits. */
function written(value) {
  if (value === -Infinity) return "−∞";
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  if (Math.abs(value) >= 1e-3) return value.toPrecision(4).replace("-", "−");
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = String(Number(exponent)).replace(/./g, (sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]));
  return `${digits.replace("-", "−")}·10${raised}`;
}

function geometry(canvas, data) {
  const [rows, columns] = data.shape;
  const list = columns === 1 && data.rows;
  const kind = list ? "list" : data.rows ? "matrix" : "vector";
  const room = { list: LIST, matrix: TALL, vector: ROW.vector }[kind]; // kept free: rows come while a person types
  const full = data.steady ? Math.min(room, rows * ROW[kind]) : room;
  const left = data.rows ? NAMES : 0;
  const width = (canvas.parentElement.clientWidth || 300) - left;
  return { rows, columns, kind, full, left, width, cell: [width / columns, Math.min(ROW[kind], full / rows)] };
}

function draw(canvas) {
  const { latest: data, values } = canvas;
  const at = geometry(canvas, data);
  canvas.geometry = at;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round((at.left + at.width) * ratio);
  canvas.height = Math.round(at.full * ratio);
  canvas.style.height = `${at.full}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const [low, high] = data.limits;
  const colours = ramp(data.scale);
  const level = (value) => Math.max(0, Math.min(255, Math.round((255 * (value - low)) / (high - low))));
  const place = (i) => (Number.isFinite(values[i]) ? level(values[i]) : 128);
  const image = cells(document.createElement("canvas"), at.rows, at.columns, colours, place);
  context.imageSmoothingEnabled = at.cell[0] < 1;
  const height = at.rows * at.cell[1];
  context.drawImage(image, at.left, 0, at.width, height);
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
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
    if (at.cell[1] < NAME_FROM) continue;
    if (at.cell[1] >= LINES_FROM) context.clearRect(at.left, y + at.cell[1] - 1, at.width, 1);
    const [red, green, blue] = Number.isFinite(values[row]) ? colours[level(values[row])] : [128, 128, 128];
    context.fillStyle = 0.3 * red + 0.6 * green + 0.1 * blue > 140 ? "#111" : "#fff";
    const text = Number.isFinite(values[row]) ? written(values[row]) : "−∞ masked";
    context.fillText(text, at.left + at.width / 2, y + at.cell[1] / 2);
  }
}

function names(context, at, data, colour) {
  if (!data.rows) return;
  const every = Math.ceil((NAME_FROM + 2) / at.cell[1]);
  context.textAlign = "right";
  const near = (row, others) => others.some((other) => other !== null && Math.abs(row - other) < every);
  data.rows.forEach((name, row) => {
    const kept = row === data.framed || (row === data.strongest && !near(row, [data.framed]));
    if (!kept && (row % every !== 0 || near(row, [data.framed, data.strongest]))) return; // others give way to these two
    context.fillStyle = row === data.framed ? data.accent : colour;
    context.fillText(name, at.left - 6, (row + 0.5) * at.cell[1], at.left - 8);
  });
}

/** The place of a cell in an operand; an axis of length 1 stands for all. */
function picked(operand, [row, column]) {
  const [rows, columns] = operand.shape;
  const r = rows === 1 ? 0 : row;
  const c = columns === 1 ? 0 : column;
  if (operand.pick === "number") return operand.numbers[r * columns + c];
  if (operand.pick === "row") return operand.levels.subarray(r * columns, (r + 1) * columns);
  return operand.levels.filter((_, i) => i % columns === c);
}

function tell(canvas, tip, cell) {
  const { latest: data, values, geometry: at, operands } = canvas;
  const [row, column] = cell;
  canvas.cell = cell;
  const place = data.column ? `number ${column + 1} of ${at.columns}` : "";
  const [title, text, strips] = tip.children;
  title.textContent = [data.rows ? data.rows[row] : "", place].filter(Boolean).join(", ");
  text.textContent = data.tip.replace(/\{(\w+)\}/g, (_, name) =>
    written(name === "value" ? values[row * at.columns + column] : picked(operands[name], cell)),
  );
  strips.replaceChildren();
  const colours = ramp(data.diverging);
  for (const operand of operands.filter(({ pick }) => pick !== "number")) {
    const levels = picked(operand, cell);
    const label = document.createElement("label");
    label.textContent = `${operand.label} (${levels.length} numbers)`;
    strips.append(label, cells(document.createElement("canvas"), 1, levels.length, colours, (i) => levels[i]));
  }
  tip.hidden = false;
  const x = at.left + (column + 0.5) * at.cell[0];
  const room = canvas.parentElement.clientWidth - tip.offsetWidth;
  tip.style.left = `${Math.max(0, Math.min(room, x - tip.offsetWidth / 2))}px`;
  tip.style.top = `${(row + 1) * at.cell[1] + 8}px`;
}

function cellAt(canvas, event) {
  const { left, rows, columns, cell } = canvas.geometry;
  const box = canvas.getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left - left) / cell[0]);
  const row = Math.floor((event.clientY - box.top) / cell[1]);
  return row >= 0 && row < rows && column < columns ? [row, Math.max(0, column)] : null;
}

export default function ({ data, parentElement }) {
  const canvas = parentElement.querySelector("canvas");
  const [from, bar, to] = parentElement.querySelector(".legend").children;
  const tip = parentElement.querySelector(".tip");
  canvas.latest = data;
  canvas.values = float32(data.values);
  canvas.operands = data.operands.map((operand) =>
    operand.pick === "number"
      ? { ...operand, numbers: float32(operand.values) }
      : { ...operand, levels: bytes(operand.values) },
  );
  canvas.setAttribute("aria-label", data.description);
  from.textContent = written(data.limits[0]);
  to.textContent = written(data.limits[1]);
  bar.style.background = `linear-gradient(to right, ${data.scale.join(",")})`;

  const over = (event) => {
    const cell = cellAt(canvas, event);
    if (cell) tell(canvas, tip, cell);
    else tip.hidden = true;
  };
  canvas.onpointermove = canvas.onpointerdown = over;
  canvas.onpointerleave = canvas.onblur = () => (tip.hidden = true);
  canvas.onkeydown = (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Escape") tip.hidden = true;
    if (!move) return;
    event.preventDefault();
    const last = canvas.geometry;
    const next = (canvas.cell ?? [0, 0]).map((place, axis) => place + (tip.hidden ? 0 : move[axis]));
    tell(canvas, tip, [Math.max(0, Math.min(last.rows - 1, next[0])), Math.max(0, Math.min(last.columns - 1, next[1]))]);
  };
  tip.hidden = true;
  if (!canvas.observer) {
    canvas.observer = new ResizeObserver(() => draw(canvas));
    canvas.observer.observe(canvas.parentElement);
  }
  draw(canvas);
}
