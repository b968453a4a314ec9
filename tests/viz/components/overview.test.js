import assert from "node:assert/strict";
import { test } from "node:test";

import {
  columnNames,
  geometry,
  meanOf,
  moved,
  nameOf,
  panelAt,
  panels,
} from "../../../viz/components/overview_geometry.js";

const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1);
const SIZES = [
  { layers: 2, numbers: upTo(2), heads: 3, group: 1, means: true, means_open: true, shape: [7, 11] },
  { layers: 5, numbers: upTo(5), heads: 7, group: 1, means: false, means_open: false, shape: [13, 5] },
  { layers: 13, numbers: upTo(13), heads: 31, group: 1, means: true, means_open: false, shape: [4, 4] },
  { layers: 3, numbers: upTo(3), heads: 9, group: 3, means: true, means_open: false, shape: [4, 4] },
  { layers: 96, numbers: upTo(96), heads: 64, group: 8, means: true, means_open: false, shape: [4, 4] },
];

test("the panel in the middle of a panel is its own; a mean is one where it can be opened", () => {
  for (const data of SIZES) {
    const place = geometry(601, data);
    const [wide, high] = place.map;
    for (const [layer, head] of panels(data)) {
      const found = panelAt(place, data, place.x(head) + wide / 2, place.y(layer) + high / 2);
      assert.deepEqual(found, data.means_open || head < data.heads ? [layer, head] : null);
    }
  }
});

test("panels do not overlap, and are in the picture; maps keep their shape in them", () => {
  for (const data of SIZES) {
    const place = geometry(601, data);
    const [wide, high] = place.panel;
    const extra = data.means ? 1 : 0;
    for (let head = 1; head < data.heads + extra; head++) assert.ok(place.x(head) >= place.x(head - 1) + wide);
    for (let layer = 1; layer < data.layers + extra; layer++) assert.ok(place.y(layer) >= place.y(layer - 1) + high);
    assert.ok(place.x(data.heads + extra - 1) + wide <= place.width);
    assert.ok(place.y(data.layers + extra - 1) + high <= place.height);
    assert.ok(place.map[0] <= wide + 1e-9 && place.map[1] <= high + 1e-9);
    assert.ok(Math.abs(place.map[0] / place.map[1] - data.shape[1] / data.shape[0]) < 1e-9);
  }
});

test("slots are the same for every text", () => {
  const [data] = SIZES;
  assert.deepEqual(geometry(601, data).panel, geometry(601, { ...data, shape: [3, 20] }).panel);
});

test("what has room is no wider than that; what has not scrolls", () => {
  const widths = SIZES.map((data) => geometry(601, data).width);
  assert.deepEqual(widths.slice(0, 4), [601, 601, 601, 601]);
  assert.ok(widths[4] > 601);
});

test("heads that share their keys stand together", () => {
  const { x, panel } = geometry(601, SIZES[3]);
  const gaps = Array.from({ length: 8 }, (_, head) => Math.round(x(head + 1) - x(head) - panel[0]));
  assert.deepEqual(gaps, [6, 6, 14, 6, 6, 14, 6, 6]);
});

test("panels stand in the order of the bytes", () => {
  const all = panels({ layers: 2, heads: 3, means: true });
  assert.deepEqual(all.slice(0, 4), [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
  ]);
  assert.deepEqual(all.slice(6), [
    [0, 3],
    [1, 3],
    [2, 3],
  ]);
  assert.equal(panels({ layers: 2, heads: 3, means: false }).length, 6);
});

test("no mean is drawn that shows the same as another map", () => {
  assert.deepEqual(panels({ layers: 1, heads: 1, means: true }), [[0, 0]]);
  assert.equal(panels({ layers: 4, heads: 1, means: true }).length, 4);
  assert.deepEqual(panels({ layers: 1, heads: 2, means: true }), [
    [0, 0],
    [0, 1],
    [0, 2],
  ]);
});

test("keys lead from map to map, and nowhere from the last one", () => {
  const [data] = SIZES;
  for (const [from, key, to] of [
    [[0, 0], "ArrowRight", [0, 1]],
    [[0, 2], "ArrowRight", [0, 3]],
    [[0, 0], "ArrowLeft", null],
    [[1, 1], "ArrowDown", null],
    [[1, 3], "ArrowDown", [2, 3]],
    [[1, 1], "Home", [1, 0]],
    [[1, 1], "End", [1, 3]],
    [[1, 1], "x", null],
  ])
    assert.deepEqual(moved(from, key, data), to);
  assert.equal(moved([0, 2], "ArrowRight", { ...data, means_open: false }), null);
});

test("each map has a name", () => {
  const [data] = SIZES;
  const said = [
    [0, 2],
    [1, 3],
    [2, 3],
  ].map((at) => [nameOf(at, data), meanOf(at, data)]);
  assert.deepEqual(said, [
    ["Layer 1, head 3", ""],
    ["Layer 2, mean of its heads", "layer"],
    ["Mean of all heads", "all"],
  ]);
});

test("of many narrow heads some have names, and the means always", () => {
  const [few, , many] = SIZES;
  assert.deepEqual(
    columnNames(geometry(601, few), few).map(([name]) => name),
    ["H1", "H2", "H3", "mean"],
  );
  const named = columnNames(geometry(601, many), many);
  assert.ok(named.length < many.heads);
  assert.deepEqual(named.at(-1), ["μ", many.heads]);
});
