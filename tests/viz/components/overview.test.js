import assert from "node:assert/strict";
import { test } from "node:test";

import { columnNames, geometry, headAt, panels } from "../../../viz/components/overview_geometry.js";

const SIZES = [
  { layers: 2, heads: 3, means: true },
  { layers: 5, heads: 7, means: false },
  { layers: 13, heads: 31, means: true },
];

test("the head in the middle of a panel is its own; the means are none", () => {
  for (const data of SIZES) {
    const place = geometry(601, data);
    const [wide, high] = place.panel;
    for (const [layer, head] of panels(data)) {
      const found = headAt(place, place.x(head) + wide / 2, place.y(layer) + high / 2);
      assert.deepEqual(found, layer < data.layers && head < data.heads ? [layer, head] : null);
    }
  }
});

test("panels do not overlap, and are in the picture", () => {
  for (const data of SIZES) {
    const place = geometry(601, data);
    const [wide, high] = place.panel;
    const extra = data.means ? 1 : 0;
    for (let head = 1; head < data.heads + extra; head++) assert.ok(place.x(head) >= place.x(head - 1) + wide);
    for (let layer = 1; layer < data.layers + extra; layer++) assert.ok(place.y(layer) >= place.y(layer - 1) + high);
    assert.ok(place.x(data.heads + extra - 1) + wide <= 601);
    assert.ok(place.y(data.layers + extra - 1) + high <= place.height);
  }
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
