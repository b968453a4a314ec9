// Draws layers × heads as small heatmaps on one canvas. Streamlit calls the default export again
// with new data whenever the server sends some; the canvas stays, so nothing flickers.

const GAP = 6; // between panels, CSS pixels
const LEFT = 26; // room for "L1"
const TOP = 20; // room for "H1"
const LARGEST_PANEL = 116;

/** 256 colours between the stops of the scale, as [r, g, b]. */
function ramp(stops) {
  const rgb = stops.map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
  return Array.from({ length: 256 }, (_, value) => {
    const place = (value / 255) * (rgb.length - 1);
    const low = Math.min(Math.floor(place), rgb.length - 2);
    return rgb[low].map((from, i) => from + (rgb[low + 1][i] - from) * (place - low));
  });
}

/** One head as an image of a pixel a cell. */
function panelImage(weights, offset, queries, keys, colours) {
  const image = new ImageData(keys, queries);
  for (let cell = 0; cell < queries * keys; cell++) {
    const [red, green, blue] = colours[weights[offset + cell]];
    image.data.set([red, green, blue, 255], 4 * cell);
  }
  return image;
}

function draw(canvas, data) {
  const [layers, heads, queries, keys] = data.shape;
  const width = canvas.parentElement ? canvas.parentElement.clientWidth : canvas.clientWidth;
  const available = width || canvas.getRootNode().host?.clientWidth || 300;
  const panel = Math.max(8, Math.min(LARGEST_PANEL, (available - LEFT - GAP * heads) / heads));
  const step = panel + GAP;
  const height = TOP + layers * step;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(available * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  canvas.geometry = { step, panel, layers, heads };

  const style = getComputedStyle(canvas);
  const weights = Uint8Array.from(atob(data.weights), (character) => character.charCodeAt(0));
  const colours = ramp(data.scale);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.imageSmoothingEnabled = panel < Math.max(queries, keys); // many cells a pixel: average them
  context.font = `12px ${style.getPropertyValue("--st-font") || "sans-serif"}`;
  context.fillStyle = style.getPropertyValue("--st-text-color") || "gray";
  context.textBaseline = "middle";
  const buffer = document.createElement("canvas");
  buffer.width = keys;
  buffer.height = queries;
  for (let layer = 0; layer < layers; layer++) {
    context.textAlign = "left";
    context.fillText(`L${layer + 1}`, 2, TOP + layer * step + panel / 2);
    for (let head = 0; head < heads; head++) {
      const [x, y] = [LEFT + head * step, TOP + layer * step];
      const offset = (layer * heads + head) * queries * keys;
      buffer.getContext("2d").putImageData(panelImage(weights, offset, queries, keys, colours), 0, 0);
      context.drawImage(buffer, x, y, panel, panel);
      if (layer === 0) {
        context.textAlign = "center";
        context.fillText(`H${head + 1}`, x + panel / 2, TOP / 2);
      }
    }
  }
  const [layer, head] = data.chosen;
  context.strokeStyle = data.accent;
  context.lineWidth = 3;
  context.strokeRect(LEFT + head * step - 1.5, TOP + layer * step - 1.5, panel + 3, panel + 3);
  canvas.setAttribute("aria-label", `Layer ${layer + 1}, head ${head + 1} of ${layers} × ${heads}. Arrow keys choose.`);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.latest = data;
  const choose = (layer, head) => setTriggerValue("chosen", { layer, head });

  canvas.onclick = (event) => {
    const { step, panel, layers, heads } = canvas.geometry;
    const box = canvas.getBoundingClientRect();
    const head = Math.floor((event.clientX - box.left - LEFT + GAP / 2) / step);
    const layer = Math.floor((event.clientY - box.top - TOP + GAP / 2) / step);
    if (layer >= 0 && layer < layers && head >= 0 && head < heads && panel > 0) choose(layer, head);
  };
  canvas.onkeydown = (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const [layer, head] = canvas.latest.chosen.map((at, axis) => at + move[axis]);
    const { layers, heads } = canvas.geometry;
    if (layer >= 0 && layer < layers && head >= 0 && head < heads) choose(layer, head);
  };
  if (!canvas.observer) {
    canvas.observer = new ResizeObserver(() => draw(canvas, canvas.latest));
    canvas.observer.observe(parentElement.host ?? parentElement);
  }
  draw(canvas, data);
}
