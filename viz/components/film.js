// A head over the steps of a training: frame after frame on a canvas, and one of its measures with a marker.
// The same code plays on the page and in the file that is taken along.

const FILM = { cell: 30, least: 9, row: 8, top: 8, curve: 340, curveHeight: 240, gapFrom: 8 };

/** The sizes of the map: as large as the room allows. */
function filmGeometry(film) {
  const { data, context } = film;
  context.font = "12px sans-serif";
  const longest = (names) => Math.max(...names.map((name) => context.measureText(name).width));
  const left = Math.max(44, longest(data.rows)) + FILM.row + 6;
  const top = longest(data.columns) * 0.87 + FILM.top + 10;
  const right = longest(data.columns.slice(-3)) * 0.5 + 6;
  const room = Math.max(160, film.root.clientWidth - left - right);
  const cell = Math.max(3, Math.min(FILM.cell, Math.min(room, 620) / data.columns.length));
  return {
    left, top, cell,
    width: left + cell * data.columns.length + right,
    height: top + Math.max(3, Math.min(cell, 520 / data.rows.length)) * data.rows.length + 4,
    cellHeight: Math.max(3, Math.min(cell, 520 / data.rows.length)),
  };
}

/** Make a canvas so large, in CSS pixels, and give its context. */
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

function drawMap(film) {
  const { data, at } = film;
  const place = (film.place = filmGeometry(film));
  const context = sized(film.map, place.width, place.height);
  const [rows, columns] = [data.rows.length, data.columns.length];
  const size = rows * columns;
  film.image ??= document.createElement("canvas");
  cells(film.image, rows, columns, film.ramp, (cell) => film.levels[at * size + cell]);
  context.imageSmoothingEnabled = false;
  context.drawImage(film.image, place.left, place.top, columns * place.cell, rows * place.cellHeight);
  if (Math.min(place.cell, place.cellHeight) >= FILM.gapFrom) {
    for (let column = 1; column < columns; column++)
      context.clearRect(place.left + column * place.cell - 0.5, place.top, 1, rows * place.cellHeight);
    for (let row = 1; row < rows; row++)
      context.clearRect(place.left, place.top + row * place.cellHeight - 0.5, columns * place.cell, 1);
  }
  context.font = "12px sans-serif";
  context.fillStyle = data.text;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const every = (size) => Math.ceil(14 / size);
  data.rows.forEach((name, row) => {
    if (row % every(place.cellHeight) === 0)
      context.fillText(name, place.left - 6, place.top + (row + 0.5) * place.cellHeight);
  });
  context.globalAlpha = 0.75;
  context.fillText("from ↓", place.left - 6, place.top - 10);
  context.globalAlpha = 1;
  context.textAlign = "left";
  data.columns.forEach((name, column) => {
    if (column % every(place.cell)) return;
    context.save();
    context.translate(place.left + (column + 0.5) * place.cell, place.top - 6);
    context.rotate((-60 * Math.PI) / 180);
    context.fillText(name, 0, 0);
    context.restore();
  });
  film.map.setAttribute("aria-label", `${data.title}, step ${data.steps[at]}`);
}

function drawCurve(film) {
  const { data, at } = film;
  const width = Math.min(FILM.curve, film.root.clientWidth);
  const height = FILM.curveHeight;
  const context = sized(film.curve, width, height);
  const [left, top, right, bottom] = [44, 26, width - 10, height - 34];
  const last = data.steps.at(-1) || 1;
  const x = (step) => left + ((right - left) * step) / last;
  const y = (value) => bottom - ((bottom - top) * (value - data.low)) / (data.high - data.low || 1);
  context.font = "12px sans-serif";
  context.fillStyle = context.strokeStyle = data.text;
  context.globalAlpha = 0.35;
  context.strokeRect(left, top, right - left, bottom - top);
  context.globalAlpha = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const number = (value) => String(Math.round(value * 100) / 100).replace("-", "−");
  for (const value of [data.low, (data.low + data.high) / 2, data.high]) context.fillText(number(value), left - 6, y(value));
  context.textAlign = "center";
  for (const step of [0, last]) context.fillText(step.toLocaleString("en"), Math.min(x(step), right - 12), bottom + 12);
  context.fillText("step", (left + right) / 2, bottom + 26);
  context.textAlign = "left";
  context.fillText(data.measure, left, top - 13);
  context.lineWidth = 2.5;
  context.strokeStyle = film.stroke;
  context.beginPath();
  let open = false;
  data.values.forEach((value, i) => {
    if (value === null) open = false;
    else {
      if (open) context.lineTo(x(data.steps[i]), y(value));
      else context.moveTo(x(data.steps[i]), y(value));
      open = true;
    }
  });
  context.stroke();
  const upright = (step, dash) => {
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(x(step), top);
    context.lineTo(x(step), bottom);
    context.stroke();
    context.setLineDash([]);
  };
  context.lineWidth = 1.5;
  if (data.formed !== null) {
    upright(data.formed, [2, 3]);
    context.fillStyle = film.stroke;
    context.textAlign = "right";
    context.fillText(`forms at ${data.formed.toLocaleString("en")}`, right, top - 13);
  }
  context.strokeStyle = context.fillStyle = data.accent;
  upright(data.steps[at], []);
  if (data.values[at] !== null) {
    context.beginPath();
    context.arc(x(data.steps[at]), y(data.values[at]), 5, 0, 2 * Math.PI);
    context.fill();
  }
  film.curve.setAttribute("aria-label", `${data.measure} over the steps, now ${data.values[at]}`);
}

function showFrame(film, at) {
  film.at = Math.max(0, Math.min(film.data.steps.length - 1, at));
  film.range.value = film.at;
  film.output.textContent = `step ${film.data.steps[film.at].toLocaleString("en")}`;
  film.written.textContent = `By itself the model writes: ${film.data.written[film.at] || "(nothing)"}`;
  drawMap(film);
  drawCurve(film);
  pointAt(film, film.pointed);
}

/** Say what the pointed cell holds. */
function pointAt(film, cell) {
  film.pointed = cell;
  const { data, at } = film;
  if (!cell) {
    film.said.textContent = "Rows attend to columns; the stronger the colour, the more. Point at a cell for its weight.";
    return;
  }
  const [row, column] = cell;
  const level = film.levels[(at * data.rows.length + row) * data.columns.length + column];
  film.said.textContent = `from “${data.rows[row]}” to “${data.columns[column]}”: ${(level / 255).toFixed(2)}`;
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

/** Show a film in `root`, whose nodes are those of `HTML` in viz/export/film.py; called again, it shows another one there. */
function film(root, data) {
  const find = (selector) => root.querySelector(selector);
  const own = (root.film ??= { root, at: 0, pointed: null, playing: null });
  const first = own.data === undefined;
  Object.assign(own, {
    data, map: find(".map"), curve: find(".curve"), range: find("input"), button: find("button"),
    output: find("output"), written: find(".written"), said: find(".said"),
    levels: bytes(data.levels), ramp: ramp(data.scale), stroke: data.scale[Math.floor(data.scale.length * 0.55)],
  });
  own.context = own.map.getContext("2d");
  own.range.max = data.steps.length - 1;
  own.range.oninput = () => {
    pause(own);
    showFrame(own, Number(own.range.value));
  };
  own.button.onclick = () => (own.playing ? pause(own) : play(own));
  own.map.onpointermove = (event) => {
    const box = own.map.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - own.place.left) / own.place.cell);
    const row = Math.floor((event.clientY - box.top - own.place.top) / own.place.cellHeight);
    const inside = row >= 0 && column >= 0 && row < data.rows.length && column < data.columns.length;
    pointAt(own, inside ? [row, column] : null);
  };
  own.map.onpointerleave = () => pointAt(own, null);
  if (first) {
    let width = root.clientWidth;
    new ResizeObserver(() => {
      if (!root.clientWidth || root.clientWidth === width) return;
      width = root.clientWidth;
      showFrame(own, own.at);
    }).observe(root);
  }
  showFrame(own, first ? data.steps.length - 1 : own.at);
}
