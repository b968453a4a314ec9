// Where the small maps of all heads lie, in CSS pixels. Each has a slot that is the same for every text, and keeps its
// own shape in it.

export const LEFT = 44; // room for "L1" or "all"
export const TOP = 20; // room for "H1"
const GAP = 6; // between panels
const MEAN_GAP = 10; // before the means, so that they are not taken for a head
const LARGEST_PANEL = 116;
const TALL = 430; // of all panels together, as long as none gets lower than LOWEST for it
const LOWEST = 40;
const GROUP_GAP = 8; // between heads that do not share their keys, where others do
const NAME = 26; // the least between two names
const NARROWEST = 8;
export const TALLEST = 560; // of what is seen of the panels at once

/** How many columns and rows of means there are: none that would show what is there already. */
function extras(data) {
  const { means, layers, heads } = data;
  const beside = means && heads > 1 ? 1 : 0;
  return [beside, beside && layers > 1 ? 1 : 0];
}

/**
 * The sizes and places of panels: layers × heads and, where the data has them, their means beside and below. Panels for
 * which `width` is too little are as wide as they must be.
 */
export function geometry(width, data) {
  const { layers, heads, group } = data;
  const [beside, below] = extras(data);
  const apart = (head) => (group > 1 ? GROUP_GAP * Math.floor(Math.min(head, heads - 1) / group) : 0);
  const gaps = GAP * (heads + beside) + apart(heads) + beside * MEAN_GAP;
  const wide = Math.max(NARROWEST, Math.min(LARGEST_PANEL, (width - LEFT - gaps) / (heads + beside)));
  const high = Math.min(wide, Math.max(LOWEST, (TALL - TOP - below * MEAN_GAP) / (layers + below) - GAP));
  const [rows, columns] = data.shape;
  const cell = Math.min(wide / columns, high / rows);
  const place = (index, n, start, size) => start + index * (size + GAP) + (index === n ? MEAN_GAP : 0);
  return {
    layers,
    heads,
    panel: [wide, high],
    map: [cell * columns, cell * rows],
    width: Math.max(width, LEFT + gaps + wide * (heads + beside)),
    height: TOP + (layers + below) * (high + GAP) + below * MEAN_GAP,
    x: (head) => place(head, heads, LEFT, wide) + apart(head),
    y: (layer) => place(layer, layers, TOP, high),
  };
}

/** The panels in the order of the bytes: heads by layer, then the mean of each layer, then the mean of all. */
export function panels(data) {
  const { layers, heads } = data;
  const [beside, below] = extras(data);
  const found = Array.from({ length: layers * heads }, (_, i) => [Math.floor(i / heads), i % heads]);
  if (beside) for (let layer = 0; layer < layers + below; layer++) found.push([layer, heads]);
  return found;
}

/** The names above the columns of panels, `[name, column]`: of many narrow heads some, and the means' own. */
export function columnNames({ heads, panel: [wide] }, data) {
  const every = Math.ceil(NAME / (wide + GAP));
  const names = Array.from({ length: heads }, (_, head) => [`H${head + 1}`, head]).filter(([, i]) => i % every === 0);
  return extras(data)[0] ? [...names, [wide > 30 ? "mean" : "μ", heads]] : names;
}

/** The panel at a place, `[layer, head]`, where there is one that can be chosen; else null. */
export function panelAt(place, data, x, y) {
  const [wide, high] = place.panel;
  const within = (at, begin, size) => at >= begin - GAP / 2 && at < begin + size + GAP / 2;
  const hit = ([layer, head]) => within(x, place.x(head), wide) && within(y, place.y(layer), high);
  return choices(data).find(hit) ?? null;
}

/** The panels that can be chosen. */
function choices(data) {
  return data.means_open ? panels(data) : panels({ ...data, means: false });
}

/** Where a key leads from the panel that is chosen; null where nothing is. */
export function moved([layer, head], key, data) {
  const row = choices(data).filter(([other]) => other === layer);
  const to = {
    ArrowUp: [layer - 1, head],
    ArrowDown: [layer + 1, head],
    ArrowLeft: [layer, head - 1],
    ArrowRight: [layer, head + 1],
    Home: row[0],
    End: row.at(-1),
  }[key];
  return choices(data).find((one) => to && one[0] === to[0] && one[1] === to[1]) ?? null;
}

/** Whose mean a panel is: "layer", "all", or "" of a head. */
export function meanOf([layer, head], { layers, heads }) {
  return head < heads ? "" : layer < layers ? "layer" : "all";
}

/** What a panel is called. */
export function nameOf([layer, head], data) {
  const mean = meanOf([layer, head], data);
  if (mean === "all") return "Mean of all heads";
  return `Layer ${data.numbers[layer]}, ${mean ? "mean of its heads" : `head ${head + 1}${sharing(head, data.group)}`}`;
}

/** With which others a head shares its keys. */
function sharing(head, group) {
  const first = head - (head % group) + 1;
  return group > 1 ? ` (heads ${first} to ${first + group - 1} share their keys and values)` : "";
}
