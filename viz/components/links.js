// Tokens that attend and tokens attended to, with a line for each weight, or shaded as text. Hovering over a token
// shows its weights at once, in the browser; a click on a query tells the server which row to explain.

const FAINTEST = 0.02; // a line of less weight is not drawn, or there would be nothing but lines
const APART = 3; // pixels between the lines of two heads, or equal ones would hide each other
const LAYOUTS = { columns: "columns", lines: "lines", text: "text" };

/** The weight from a query to a key: of the one head, or the mean over those that are overlaid. */
function weightOf(map, query, key) {
  const { rows, columns } = map.data;
  const size = rows.length * columns.length;
  const at = query * columns.length + key;
  let total = 0;
  for (let head = 0; head < map.data.heads.length; head++) total += map.weights[head * size + at];
  return total / map.data.heads.length;
}

/** Where the line of a token begins or ends, in the coordinates of the canvas. */
function anchor(token, side, layout) {
  const { offsetLeft: x, offsetTop: y, offsetWidth: width, offsetHeight: height } = token;
  const [left, top] = [x + token.parentElement.offsetLeft, y + token.parentElement.offsetTop];
  if (layout === "columns") return [side === "query" ? left + width : left, top + height / 2];
  return [left + width / 2, side === "query" ? top + height : top];
}

/** Which queries and keys are lit: those of the token under the pointer, of the pinned row, or all. */
function lit(map) {
  const { hover, data } = map;
  if (hover?.side === "query") return { query: hover.index };
  if (hover?.side === "key") return { key: hover.index };
  return data.layout === "text" && data.pinned !== null ? { query: data.pinned } : {};
}

function drawLines(map) {
  const { canvas, sides, data } = map;
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [sides.firstElementChild.scrollWidth, sides.firstElementChild.scrollHeight];
  resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  if (data.layout === "text") return;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const queries = map.tokens.query.map((token) => anchor(token, "query", data.layout));
  const keys = map.tokens.key.map((token) => anchor(token, "key", data.layout));
  const { query, key } = lit(map);
  const one = query !== undefined || key !== undefined;
  const size = queries.length * keys.length;
  data.heads.forEach((number, head) => {
    context.strokeStyle = data.colours[number];
    const beside = (head - (data.heads.length - 1) / 2) * APART;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (data.layout === "columns") context.translate(0, beside);
    else context.translate(beside, 0);
    queries.forEach(([x0, y0], i) => {
      if (query !== undefined && i !== query) return;
      keys.forEach(([x1, y1], j) => {
        if (key !== undefined && j !== key) return;
        const weight = map.weights[head * size + i * keys.length + j];
        if (weight < FAINTEST) return;
        context.globalAlpha = one ? 0.25 + 0.75 * weight : 0.8 * weight;
        context.lineWidth = 0.5 + 3.5 * weight;
        context.beginPath();
        context.moveTo(x0, y0);
        if (data.layout === "columns") context.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
        else context.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
        context.stroke();
      });
    });
  });
}

/** Shade the tokens at the other end of what is lit, and say their weights. */
function shade(map) {
  const { data } = map;
  const colours = ramp(data.scale);
  const { colour } = SCALES[data.mode];
  const { query, key } = lit(map);
  const paint = (token, weight) => {
    const level = weight === null ? null : Math.max(0, Math.round(255 * colour(weight)));
    token.style.background = level === null ? "" : `rgb(${colours[level].map(Math.round).join(" ")})`;
    token.style.color = level === null ? "" : data.ink[level < 140 ? 0 : 1];
    token.title = weight === null ? "" : `weight ${weight.toFixed(3)}`;
  };
  map.tokens.key.forEach((token, j) => paint(token, query === undefined ? null : weightOf(map, query, j)));
  map.tokens.query.forEach((token, i) => {
    paint(token, key === undefined ? null : weightOf(map, i, key));
    token.classList.toggle("chosen", i === (query ?? data.pinned));
  });
  map.said.textContent = said(map, query, key);
}

/** Which colour is which weight, or, of lines, which head: there a click compares with one more, or one less. */
function legend(map) {
  const { colours, layout, scale, mode } = map.data;
  map.legend.hidden = layout !== "text" && colours.length < 2;
  if (layout !== "text") return compare(map);
  const bar = document.createElement("i");
  bar.style.background = `linear-gradient(to right, ${scale.join(", ")})`;
  map.legend.replaceChildren(`weight ${SCALES[mode].ticks[0]}`, bar, mode === "linear" ? "1" : `1 (${mode})`);
}

function compare(map) {
  const { heads, chosen, colours } = map.data;
  const made = [...map.legend.children].every((node) => node.tagName === "BUTTON");
  if (!made || map.legend.childElementCount !== colours.length)
    map.legend.replaceChildren(...colours.map(() => document.createElement("button")));
  [...map.legend.children].forEach((button, head) => {
    const shown = heads.includes(head);
    button.textContent = `${shown ? "—" : "+"} head ${head + 1}`;
    button.style.color = shown ? colours[head] : "";
    button.setAttribute("aria-pressed", shown);
    button.disabled = head === chosen;
    button.title = head === chosen ? "the head on show" : shown ? "leave it out" : "compare with it";
    const others = heads.filter((other) => other !== chosen && other !== head);
    button.onclick = () => map.overlay(shown ? others : [...others, head]);
  });
}

/** The largest three of some weights, `[weight, index]`, but none that is said as 0. */
const strongest = (weights) => {
  const sorted = weights.sort((a, b) => b[0] - a[0]).slice(0, 3);
  return sorted.filter(([weight], place) => place === 0 || weight >= 0.0005);
};

function said(map, query, key) {
  const { rows, columns, hint } = map.data;
  if (query !== undefined && rows[query] !== undefined) {
    const best = strongest(columns.map((_, j) => [weightOf(map, query, j), j]));
    return `“${rows[query]}” looks at ${best.map(([weight, j]) => `“${columns[j]}” ${weight.toFixed(3)}`).join(", ")}`;
  }
  if (key !== undefined && columns[key] !== undefined) {
    const best = strongest(rows.map((_, i) => [weightOf(map, i, key), i]));
    return `“${columns[key]}” is looked at by ${best.map(([weight, i]) => `“${rows[i]}” ${weight.toFixed(3)}`).join(", ")}`;
  }
  return hint;
}

function show(map) {
  drawLines(map);
  shade(map);
}

/** The tokens of one side; the nodes stay, so that nothing flickers while a person types. */
function fill(map, side, texts) {
  const place = map.places[side];
  while (place.childElementCount > texts.length + 1) place.lastElementChild.remove();
  while (place.childElementCount < texts.length + 1) {
    const token = document.createElement(side === "query" ? "button" : "span");
    token.className = "token";
    token.dir = "auto";
    place.append(token);
  }
  map.tokens[side] = [...place.children].slice(1);
  map.tokens[side].forEach((token, index) => {
    token.textContent = texts[index];
    const light = (hover) => () => {
      map.hover = hover;
      show(map);
    };
    token.onpointerenter = token.onfocus = light({ side, index });
    token.onpointerleave = token.onblur = light(null);
    if (side === "query") token.onclick = () => map.choose(index === map.data.pinned ? null : index);
  });
}

function build(root) {
  const find = (selector) => root.querySelector(selector);
  const map = {
    said: find(".hint"),
    legend: find(".legend"),
    sides: find(".sides"),
    canvas: find("canvas"),
    places: { query: find(".queries"), key: find(".keys") },
    tokens: { query: [], key: [] },
    hover: null,
  };
  new ResizeObserver(() => map.data && show(map)).observe(root);
  return map;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".links");
  const map = (root.map ??= build(root));
  map.data = data;
  map.choose = (row) => setTriggerValue("pinned", { row });
  map.overlay = (heads) => setTriggerValue("overlaid", { heads });
  map.weights = Float32Array.from(new Uint16Array(bytes(data.weights).buffer), (weight) => weight / 65535);
  map.sides.firstElementChild.className = LAYOUTS[data.layout];
  root.style.setProperty("--links-accent", data.accent);
  legend(map);
  fill(map, "query", data.rows);
  fill(map, "key", data.columns);
  if (map.hover && map.hover.index >= map.tokens[map.hover.side].length) map.hover = null;
  show(map);
}
