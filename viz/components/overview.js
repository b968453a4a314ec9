// All layers × heads as small heatmaps on one canvas. Streamlit calls `overview` again with new
// data whenever the server sends some; the canvas stays, so nothing flickers.

import { cells, sharp } from "./canvas.js";
import { ramp } from "./colours.js";
import { columnNames, geometry, headAt, LEFT, panels, TOP } from "./overview_geometry.js";
import { bytes } from "./packed.js";

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const room = (canvas) => canvas.parentElement?.clientWidth || canvas.getRootNode().host?.clientWidth || 300;

function draw(canvas, data) {
  const place = geometry(room(canvas), data);
  const [wide, high] = place.panel;
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
  if (data.means) context.fillText("all", LEFT - 8, place.y(place.layers) + high / 2);
  context.textAlign = "center";
  for (const [name, column] of columnNames(place, data)) context.fillText(name, place.x(column) + wide / 2, TOP / 2);

  const [layer, head] = data.chosen;
  context.strokeStyle = data.accent;
  context.lineWidth = 3;
  context.strokeRect(place.x(head) - 1.5, place.y(layer) - 1.5, wide + 3, high + 3);
  const where = `Layer ${layer + 1}, head ${head + 1} of ${place.layers} × ${place.heads}`;
  canvas.setAttribute("aria-label", `${where}. Arrow keys choose.`);
}

function paint(canvas, context, data) {
  const { panel, x, y } = canvas.geometry;
  const [rows, columns] = data.shape;
  const weights = bytes(data.weights);
  const all = panels(data); // below each other in one image
  canvas.image ??= document.createElement("canvas");
  cells(canvas.image, all.length * rows, columns, ramp(data.scale), (cell) => weights[cell]);
  context.imageSmoothingEnabled = panel[0] < columns || panel[1] < rows; // many cells a pixel: average them
  all.forEach(([layer, head], i) => {
    context.drawImage(canvas.image, 0, i * rows, columns, rows, x(head), y(layer), ...panel);
  });
}

/** The layer and head under the pointer, where there is one. */
function pointed(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return headAt(canvas.geometry, event.clientX - box.left, event.clientY - box.top);
}

export function overview({ data, parentElement, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.latest = data;
  const choose = ([layer, head]) => setTriggerValue("chosen", { layer, head });

  canvas.onclick = (event) => {
    const found = pointed(canvas, event);
    if (found) choose(found);
  };
  canvas.onpointermove = (event) => {
    const found = pointed(canvas, event);
    canvas.style.cursor = found ? "pointer" : "default";
    canvas.title = found ? `Layer ${found[0] + 1}, head ${found[1] + 1}` : "";
  };
  canvas.onkeydown = (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const [layer, head] = canvas.latest.chosen.map((at, axis) => at + move[axis]);
    const { layers, heads } = canvas.geometry;
    if (layer >= 0 && layer < layers && head >= 0 && head < heads) choose([layer, head]);
  };
  if (!canvas.observer) {
    canvas.observer = new ResizeObserver(() => {
      if (canvas.geometry.width !== room(canvas)) draw(canvas, canvas.latest);
    });
    canvas.observer.observe(parentElement.host ?? parentElement);
  }
  draw(canvas, data);
}
