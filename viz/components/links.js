// Tokens that attend and tokens attended to, with a line for each weight, or shaded as text. Hovering over a token
// shows its weights at once, in the browser; a click on a query tells the server which row to explain.

import { sharp } from "./canvas.js";
import { level, ramp, SCALES } from "./colours.js";
import { joined, rowAt, stretched } from "./head_rows.js";
import { anchor, beside, curve, stroke } from "./links_geometry.js";
import { lit, said, weightOf } from "./links_weights.js";
import { weights } from "./packed.js";

/** The place of a token on the canvas. */
function boxOf(token) {
  const { offsetLeft, offsetTop, offsetWidth: width, offsetHeight: height, parentElement: side } = token;
  return { left: offsetLeft + side.offsetLeft, top: offsetTop + side.offsetTop, width, height };
}

function drawLines(map) {
  const { canvas, sides, data } = map;
  const [width, height] = [sides.firstElementChild.scrollWidth, sides.firstElementChild.scrollHeight];
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = sharp(canvas, width, height);
  if (data.layout === "text") return;
  const ends = (side) => map.tokens[side].map((token) => anchor(boxOf(token), side, data.layout));
  const [queries, keys] = [ends("query"), ends("key")];
  const { queries: only, key } = lit(map);
  const alone = only !== undefined || key !== undefined;
  const size = queries.length * keys.length;
  data.heads.forEach((number, head) => {
    context.save();
    context.strokeStyle = data.colours[number];
    context.translate(...beside(head, data.heads.length, data.layout));
    queries.forEach((from, i) => {
      if (only && !only.includes(i)) return;
      keys.forEach((to, j) => {
        if (key !== undefined && j !== key) return;
        const drawn = stroke(map.weights[head * size + i * keys.length + j], alone);
        if (!drawn) return;
        context.globalAlpha = drawn.opacity;
        context.lineWidth = drawn.width;
        context.beginPath();
        context.moveTo(...from);
        context.bezierCurveTo(...curve(from, to, data.layout));
        context.stroke();
      });
    });
    context.restore();
  });
}

/** Shade the tokens at the other end of what is lit, and say their weights. */
function shade(map) {
  const { data } = map;
  const colours = ramp(data.scale);
  const { queries, key } = lit(map);
  const paint = (token, weight) => {
    const number = weight === null ? null : level(weight, data.mode);
    token.style.background = number === null ? "" : `rgb(${colours[number].map(Math.round).join(" ")})`;
    token.style.color = number === null ? "" : data.ink[number < 140 ? 0 : 1];
    token.title = weight === null ? "" : `weight ${weight.toFixed(3)}`;
  };
  map.tokens.key.forEach((token, j) => paint(token, queries ? weightOf(map, queries, j) : null));
  map.tokens.query.forEach((token, i) => {
    paint(token, key === undefined ? null : weightOf(map, [i], key));
    token.classList.toggle("chosen", (queries ?? [data.pinned]).includes(i));
    token.tabIndex = i === (data.pinned ?? 0) ? 0 : -1; // the arrow keys go to the others
  });
  map.said.textContent = said(map, { queries, key });
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
    button.title = head === chosen ? "the head shown" : shown ? "hide this head" : "compare with this head";
    const others = heads.filter((other) => other !== chosen && other !== head);
    button.onclick = () => map.overlay(shown ? others : [...others, head]);
  });
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
    if (side === "query") token.onclick = (event) => pick(map, index, event.shiftKey);
  });
}

/** A query was clicked: it is chosen alone or let go, or, with Shift, added to the others or left out. */
function pick(map, row, more) {
  const { pinned, together } = map.data;
  const next = more ? joined(map.data, row) : { row: row === pinned && !together.length ? null : row, together: [] };
  map.choose(next.row, next.together);
}

/** The arrow keys, Home and End go to another query and choose it, with Shift all from the chosen one to there. */
function press(map, event) {
  const { data, tokens } = map;
  if (event.key === "Escape") map.choose(data.together.length ? data.pinned : null, []);
  else {
    const at = tokens.query.indexOf(event.target);
    const row = rowAt(event.key, at, tokens.query.length);
    if (row === undefined) return;
    tokens.query[row].focus();
    const next = event.shiftKey && row !== at ? stretched(data, Math.sign(row - at), data.rows.length) : null;
    if (next) map.choose(next.row, next.together);
    else if (row !== data.pinned) map.choose(row, []);
  }
  event.preventDefault();
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
  map.places.query.onkeydown = (event) => press(map, event);
  return map;
}

export function links({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".links");
  const map = (root.map ??= build(root));
  map.data = data;
  map.choose = (row, together) => setTriggerValue("pinned", { row, together });
  map.overlay = (heads) => setTriggerValue("overlaid", { heads });
  map.weights = weights(data.weights);
  map.sides.firstElementChild.className = data.layout;
  root.style.setProperty("--links-accent", data.accent);
  legend(map);
  fill(map, "query", data.written);
  fill(map, "key", data.columns);
  if (map.hover && map.hover.index >= map.tokens[map.hover.side].length) map.hover = null;
  show(map);
}
