// All layers × heads as small heatmaps on one canvas. Streamlit calls `overview` again with new
// data whenever the server sends some; the canvas stays, so nothing flickers.

import { cells, sharp } from "./canvas.js";
import { ramp } from "./colours.js";
import {
  columnNames,
  geometry,
  LEFT,
  meanOf,
  moved,
  nameOf,
  panelAt,
  panels,
  TALLEST,
  TOP,
} from "./overview_geometry.js";
import { bytes } from "./packed.js";

const KEYS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];
const HINT = "Each small map is one head (H) of a layer (L). Click one to see it.";
const TALLEST_IMAGE = 8192; // pixels; of a taller one some browsers make nothing

const room = (scroller) => scroller.clientWidth || scroller.getRootNode().host?.clientWidth || 300;

/** Where everything lies; if that is too much to see at once, it scrolls, and there is less room. */
function placed({ scroller }, data) {
  scroller.style.maxHeight = `${TALLEST}px`;
  scroller.classList.toggle("tall", geometry(room(scroller), data).height > TALLEST);
  return geometry(room(scroller), data);
}

function draw(canvas, data) {
  const place = placed(canvas, data);
  const [, high] = place.map;
  canvas.geometry = place;
  canvas.room = room(canvas.scroller);
  const context = sharp(canvas, place.width, place.height);
  Object.assign(canvas.style, { width: `${place.width}px`, height: `${place.height}px` });
  paint(canvas, context, data);
  nameHeads(canvas, data);

  const style = getComputedStyle(canvas);
  context.font = `${getComputedStyle(canvas.names).fontSize} ${style.getPropertyValue("--st-font") || "sans-serif"}`;
  context.fillStyle = style.getPropertyValue("--st-text-color") || "gray";
  context.textBaseline = "middle";
  context.textAlign = "right";
  const every = Math.ceil(TOP / (high + 6));
  for (let layer = 0; layer < place.layers; layer += every)
    context.fillText(`L${data.numbers[layer]}`, LEFT - 8, place.y(layer) + high / 2);
  const all = panels(data).at(-1);
  if (meanOf(all, data) === "all") context.fillText("all", LEFT - 8, place.y(place.layers) + high / 2);

  if (canvas.hovered) box(context, place, canvas.hovered, style.getPropertyValue("--st-primary-color") || "gray", 2);
  box(context, place, data.chosen, data.accent, 3);
  const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const there = `${counted(place.layers, "layer")} with ${counted(place.heads, "head")} each`;
  const where = `${nameOf(data.chosen, data)}, of ${there}`;
  canvas.setAttribute("aria-label", `${where}. Use the arrow keys, Home or End to choose another.`);
}

/** A frame around a small map. */
function box(context, { x, y, map: [wide, high] }, [layer, head], colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(x(head) - width / 2, y(layer) - width / 2, wide + width, high + width);
}

/** The names of heads, which stay in sight while layers scroll. */
function nameHeads({ names, geometry: place }, data) {
  const all = columnNames(place, data);
  while (names.childElementCount > all.length) names.lastElementChild.remove();
  while (names.childElementCount < all.length) names.append(document.createElement("span"));
  names.style.width = `${place.width}px`;
  all.forEach(([name, column], i) => {
    const text = names.children[i];
    if (text.textContent !== name) text.textContent = name;
    text.style.left = `${place.x(column) + place.map[0] / 2}px`;
  });
}

/** Scroll to the head that was chosen elsewhere than here. */
function show({ scroller, geometry: place }, [layer, head]) {
  const [wide, high] = place.panel;
  const [x, y] = [place.x(head), place.y(layer)];
  const hidden = (from, size, begin, end) => from < begin || from + size > end;
  if (hidden(y, high, scroller.scrollTop + TOP, scroller.scrollTop + scroller.clientHeight))
    scroller.scrollTop = y + high / 2 - scroller.clientHeight / 2;
  if (hidden(x, wide, scroller.scrollLeft, scroller.scrollLeft + scroller.clientWidth))
    scroller.scrollLeft = x + wide / 2 - scroller.clientWidth / 2;
}

function paint(canvas, context, data) {
  const { map, x, y } = canvas.geometry;
  const [rows, columns] = data.shape;
  const weights = bytes(data.weights);
  const all = panels(data);
  const colours = ramp(data.scale);
  canvas.image ??= document.createElement("canvas");
  context.imageSmoothingEnabled = map[0] < columns || map[1] < rows; // many cells a pixel: average them
  const several = Math.max(1, Math.floor(TALLEST_IMAGE / rows)); // panels below each other in one image
  for (let first = 0; first < all.length; first += several) {
    const part = all.slice(first, first + several);
    const begin = first * rows * columns;
    cells(canvas.image, part.length * rows, columns, colours, (cell) => weights[begin + cell]);
    part.forEach(([layer, head], i) => {
      context.drawImage(canvas.image, 0, i * rows, columns, rows, x(head), y(layer), ...map);
    });
  }
}

/** The small map under the pointer, where there is one. */
function pointed(canvas, event) {
  const { left, top } = canvas.getBoundingClientRect();
  return panelAt(canvas.geometry, canvas.latest, event.clientX - left, event.clientY - top);
}

/** Name the small map that is pointed at, and frame it. */
function hover(canvas, name, found) {
  if (String(found) === String(canvas.hovered ?? null)) return;
  canvas.hovered = found;
  canvas.style.cursor = found ? "pointer" : "default";
  name.textContent = found ? nameOf(found, canvas.latest) : HINT;
  draw(canvas, canvas.latest);
}

export function overview({ data, parentElement, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.scroller ??= parentElement.querySelector(".scroller");
  canvas.names ??= parentElement.querySelector(".names");
  const before = canvas.latest?.chosen;
  canvas.latest = data;
  const name = parentElement.querySelector("p");
  const choose = ([layer, head]) => {
    const { numbers } = canvas.latest;
    const mean = meanOf([layer, head], canvas.latest);
    setTriggerValue("chosen", { layer, number: numbers[layer], head, mean });
  };
  if (!canvas.hovered) name.textContent = HINT;

  canvas.onclick = (event) => {
    const found = pointed(canvas, event);
    if (found) choose(found);
  };
  canvas.onpointermove = (event) => event.pointerType !== "touch" && hover(canvas, name, pointed(canvas, event));
  canvas.onpointerleave = () => hover(canvas, name, null);
  canvas.onkeydown = (event) => {
    if (!KEYS.includes(event.key)) return;
    event.preventDefault();
    const to = moved(canvas.latest.chosen, event.key, canvas.latest);
    if (to && String(to) !== String(canvas.latest.chosen)) choose(to);
  };
  if (!canvas.observer) {
    canvas.observer = new ResizeObserver(() => {
      if (canvas.room !== room(canvas.scroller)) draw(canvas, canvas.latest);
    });
    canvas.observer.observe(parentElement.host ?? parentElement);
  }
  draw(canvas, data);
  if (String(before) !== String(data.chosen)) show(canvas, data.chosen);
}
