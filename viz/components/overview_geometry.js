// Where the small maps of all heads lie, in CSS pixels.

export const LEFT = 44; // room for "L1" or "mean"
export const TOP = 20; // room for "H1"
const GAP = 6; // between panels
const MEAN_GAP = 10; // before the means, so that they are not taken for a head
const LARGEST_PANEL = 116;
const TALL = 430; // of all panels together, as long as none gets lower than LOWEST for it
const LOWEST = 40;
const NAME = 26; // the least between two names

/** The sizes and places of panels: layers × heads and, where the data has them, their means beside and below. */
export function geometry(width, data) {
  const { layers, heads } = data;
  const extra = data.means ? 1 : 0;
  const room = width - LEFT - GAP * (heads + extra) - extra * MEAN_GAP;
  const wide = Math.max(8, Math.min(LARGEST_PANEL, room / (heads + extra)));
  const high = Math.min(wide, Math.max(LOWEST, (TALL - TOP - extra * MEAN_GAP) / (layers + extra) - GAP));
  const place = (index, n, start, size) => start + index * (size + GAP) + (index === n ? MEAN_GAP : 0);
  return {
    layers,
    heads,
    panel: [wide, high],
    width,
    height: TOP + (layers + extra) * (high + GAP) + extra * MEAN_GAP,
    x: (head) => place(head, heads, LEFT, wide),
    y: (layer) => place(layer, layers, TOP, high),
  };
}

/** The panels in the order of the bytes: heads by layer, then the mean of each layer, then the mean of all. */
export function panels(data) {
  const { layers, heads } = data;
  const found = Array.from({ length: layers * heads }, (_, i) => [Math.floor(i / heads), i % heads]);
  if (data.means) for (let layer = 0; layer <= layers; layer++) found.push([layer, heads]);
  return found;
}

/** The names above the columns of panels, `[name, column]`: of many narrow heads some, and the means' own. */
export function columnNames({ heads, panel: [wide] }, data) {
  const every = Math.ceil(NAME / (wide + GAP));
  const names = Array.from({ length: heads }, (_, head) => [`H${head + 1}`, head]).filter(([, i]) => i % every === 0);
  return data.means ? [...names, [wide > 30 ? "mean" : "μ", heads]] : names;
}

/** The layer and head at a place, where there is one; else null. */
export function headAt({ panel, layers, heads }, x, y) {
  const head = Math.floor((x - LEFT + GAP / 2) / (panel[0] + GAP));
  const layer = Math.floor((y - TOP + GAP / 2) / (panel[1] + GAP));
  return layer >= 0 && layer < layers && head >= 0 && head < heads ? [layer, head] : null;
}
