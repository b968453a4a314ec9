// All layers × heads as small heatmaps on one canvas. Streamlit calls the default export again with new
// data whenever the server sends some; the canvas stays, so nothing flickers.

const GAP = 6; // between panels, CSS pixels
const LEFT = 44; // room for "L1" or "mean"
const TOP = 20; // room for "H1"
const LARGEST_PANEL = 116;
const TALL = 430; // of all panels together, as long as none gets lower than LOWEST for it
const LOWEST = 40;
const MEAN_GAP = 10; // before the means, so that they are not taken for a head

/** The names and sizes of panels: layers × heads and, where the data has them, their means beside and below. */
function geometry(canvas, data) {
  const { layers, heads } = data;
  const extra = data.means ? 1 : 0;
  const available = canvas.parentElement?.clientWidth || canvas.getRootNode().host?.clientWidth || 300;
  const room = available - LEFT - GAP * (heads + extra) - extra * MEAN_GAP;
  const wide = Math.max(8, Math.min(LARGEST_PANEL, room / (heads + extra)));
  const high = Math.min(wide, Math.max(LOWEST, (TALL - TOP - extra * MEAN_GAP) / (layers + extra) - GAP));
  const place = (index, n, start, size) => start + index * (size + GAP) + (index === n ? MEAN_GAP : 0);
  return {
    layers,
    heads,
    panel: [wide, high],
    width: available,
    height: TOP + (layers + extra) * (high + GAP) + extra * MEAN_GAP,
    x: (head) => place(head, heads, LEFT, wide),
    y: (layer) => place(layer, layers, TOP, high),
  };
}

/** The panels in the order of the bytes: heads by layer, then the mean of each layer, then the mean of all. */
function panels(data) {
  const { layers, heads } = data;
  const found = Array.from({ length: layers * heads }, (_, i) => [Math.floor(i / heads), i % heads]);
  if (data.means) for (let layer = 0; layer <= layers; layer++) found.push([layer, heads]);
  return found;
}

function draw(canvas, data) {
  const place = geometry(canvas, data);
  const { layers, heads, width, height } = place;
  const [wide, high] = place.panel;
  const ratio = window.devicePixelRatio || 1;
  resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
  canvas.style.height = `${height}px`;
  canvas.geometry = place;

  const style = getComputedStyle(canvas);
  const weights = bytes(data.weights);
  const colours = ramp(data.scale);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const [rows, columns] = data.shape;
  context.imageSmoothingEnabled = wide < columns || high < rows; // many cells a pixel: average them
  context.font = `12px ${style.getPropertyValue("--st-font") || "sans-serif"}`;
  context.fillStyle = style.getPropertyValue("--st-text-color") || "gray";
  context.textBaseline = "middle";
  const all = panels(data); // below each other in one image
  canvas.image ??= document.createElement("canvas");
  cells(canvas.image, all.length * rows, columns, colours, (cell) => weights[cell]);
  all.forEach(([layer, head], i) => {
    context.drawImage(canvas.image, 0, i * rows, columns, rows, place.x(head), place.y(layer), wide, high);
  });
  context.textAlign = "right";
  const rowNames = Array.from({ length: layers }, (_, layer) => `L${layer + 1}`);
  const columnNames = Array.from({ length: heads }, (_, head) => `H${head + 1}`);
  if (data.means) columnNames.push(wide > 30 ? "mean" : "μ");
  rowNames.forEach((name, layer) => context.fillText(name, LEFT - 8, place.y(layer) + high / 2));
  if (data.means) context.fillText("all", LEFT - 8, place.y(layers) + high / 2);
  context.textAlign = "center";
  const every = Math.ceil(26 / (wide + GAP)); // names of many narrow heads thin out
  columnNames.forEach((name, head) => {
    if (head % every === 0 || head === heads) context.fillText(name, place.x(head) + wide / 2, TOP / 2);
  });
  const [layer, head] = data.chosen;
  context.strokeStyle = data.accent;
  context.lineWidth = 3;
  context.strokeRect(place.x(head) - 1.5, place.y(layer) - 1.5, wide + 3, high + 3);
  canvas.setAttribute("aria-label", `Layer ${layer + 1}, head ${head + 1} of ${layers} × ${heads}. Arrow keys choose.`);
}

/** The layer and head under a place on the canvas, where there is one. */
function headAt(canvas, event) {
  const { panel, layers, heads } = canvas.geometry;
  const box = canvas.getBoundingClientRect();
  const head = Math.floor((event.clientX - box.left - LEFT + GAP / 2) / (panel[0] + GAP));
  const layer = Math.floor((event.clientY - box.top - TOP + GAP / 2) / (panel[1] + GAP));
  return layer >= 0 && layer < layers && head >= 0 && head < heads ? [layer, head] : null;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.latest = data;
  const choose = ([layer, head]) => setTriggerValue("chosen", { layer, head });

  canvas.onclick = (event) => {
    const found = headAt(canvas, event);
    if (found) choose(found);
  };
  canvas.onpointermove = (event) => {
    const found = headAt(canvas, event);
    canvas.style.cursor = found ? "pointer" : "default";
    canvas.title = found ? `Layer ${found[0] + 1}, head ${found[1] + 1}` : "";
  };
  canvas.onkeydown = (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const [layer, head] = canvas.latest.chosen.map((at, axis) => at + move[axis]);
    const { layers, heads } = canvas.geometry;
    if (layer >= 0 && layer < layers && head >= 0 && head < heads) choose([layer, head]);
  };
  if (!canvas.observer) {
    canvas.observer = new ResizeObserver(() => {
      if (canvas.geometry.width !== geometry(canvas, canvas.latest).width) draw(canvas, canvas.latest);
    });
    canvas.observer.observe(parentElement.host ?? parentElement);
  }
  draw(canvas, data);
}
