// Every head as a small picture of few cells, as viz/look/thumbnails.py has it.

const MOST = 64; // rows or columns of a panel: it is a few dozen pixels wide

/** Where the blocks of `n` rows begin, and where the last ends. */
export function edges(n) {
  const blocks = Math.min(n, MOST);
  return Array.from({ length: blocks + 1 }, (_, i) => Math.floor((i * n) / blocks));
}

/** The weights of a head in fewer cells: those on a block of keys are summed, those of a block of queries averaged. */
export function thinned(weights, rows, columns) {
  const [tops, lefts] = [edges(rows), edges(columns)];
  const wide = lefts.length - 1;
  const small = new Float32Array((tops.length - 1) * wide);
  for (let i = 0; i + 1 < tops.length; i++)
    for (let row = tops[i]; row < tops[i + 1]; row++)
      for (let j = 0; j < wide; j++)
        for (let column = lefts[j]; column < lefts[j + 1]; column++)
          small[i * wide + j] += weights[row * columns + column] / (tops[i + 1] - tops[i]);
  return small;
}

/** The panels of all heads, then the mean of each layer, then the mean of all; `head(layer, head)` gives weights. */
export function thumbnails(head, [layers, heads, rows, columns]) {
  const small = Array.from({ length: layers * heads }, (_, i) =>
    thinned(head(Math.floor(i / heads), i % heads), rows, columns),
  );
  const means = Array.from({ length: layers }, (_, i) => mean(small.slice(i * heads, (i + 1) * heads)));
  return [...small, ...means, mean(means)];
}

function mean(panels) {
  return panels[0].map((_, cell) => panels.reduce((total, panel) => total + panel[cell], 0) / panels.length);
}
