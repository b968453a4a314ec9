// All layers × heads as small heatmaps on one canvas. Streamlit calls `overview` again with new
// data whenever the server sends some; the canvas stays, so nothing flickers.

import { cells, sharp } from "./canvas.js";
import { ramp } from "./colours.js";
import { columnNames, geometry, LEFT, meanOf, moved, nameOf, panelAt, panels, TOP } from "./overview_geometry.js";
import { bytes } from "./packed.js";

const KEYS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];
const HINT = "Each small map is one head (H) of a layer (L). Click one.";

const room = (canvas) => canvas.parentElement?.clientWidth || canvas.getRootNode().host?.clientWidth || 300;

function draw(canvas, data) {
  const place = geometry(room(canvas), data);
  const [wide, high] = place.map;
  canvas.geometry = place;
  const context = sharp(canvas, place.width, place.height);
  canvas.style.height = `${place.height}px`;
  paint(canvas, context, data);

  const style = getComputedStyle(canvas);
  context.font = `12px ${style.getPropertyValue("--st-font") || "sans-serif"}`;
  context.fillStyle = style.getPropertyValue("--st-text-color") || "gray";
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let layer = 0; layer < place.layers; layer++)
    context.fillText(`L${layer + 1}`, LEFT - 8, place.y(layer) + high / 2);
  const all = panels(data).at(-1);
  if (meanOf(all, data) === "all") context.fillText("all", LEFT - 8, place.y(place.layers) + high / 2);
  context.textAlign = "center";
  for (const [name, column] of columnNames(place, data)) context.fillText(name, place.x(column) + wide / 2, TOP / 2);

  if (canvas.hovered) box(context, place, canvas.hovered, style.getPropertyValue("--st-primary-color") || "gray", 2);
  box(context, place, data.chosen, data.accent, 3);
  const where = `${nameOf(data.chosen, data)} of ${place.layers} × ${place.heads}`;
  canvas.setAttribute("aria-label", `${where}. Arrow keys, Home and End choose.`);
}

/** A frame around a small map. */
function box(context, { x, y, map: [wide, high] }, [layer, head], colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(x(head) - width / 2, y(layer) - width / 2, wide + width, high + width);
}

function paint(canvas, context, data) {
  const { map, x, y } = canvas.geometry;
  const [rows, columns] = data.shape;
  const weights = bytes(data.weights);
  const all = panels(data); // below each other in one image
  canvas.image ??= document.createElement("canvas");
  cells(canvas.image, all.length * rows, columns, ramp(data.scale), (cell) => weights[cell]);
  context.imageSmoothingEnabled = map[0] < columns || map[1] < rows; // many cells a pixel: average them
  all.forEach(([layer, head], i) => {
    context.drawImage(canvas.image, 0, i * rows, columns, rows, x(head), y(layer), ...map);
  });
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
  canvas.latest = data;
  const name = parentElement.querySelector("p");
  const choose = (to) => setTriggerValue("chosen", { layer: to[0], head: to[1], mean: meanOf(to, canvas.latest) });
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
      if (canvas.geometry.width !== room(canvas)) draw(canvas, canvas.latest);
    });
    canvas.observer.observe(parentElement.host ?? parentElement);
  }
  draw(canvas, data);
}
