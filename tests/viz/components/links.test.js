import assert from "node:assert/strict";
import { test } from "node:test";

import { anchor, beside, curve, stroke } from "../../../viz/components/links_geometry.js";
import { rowAt } from "../../../viz/components/head_rows.js";
import { lit, said, weightOf } from "../../../viz/components/links_weights.js";

const DATA = {
  rows: ["a", "b"],
  columns: ["x", "y", "z"],
  heads: [0, 2],
  hint: "Hover.",
  layout: "columns",
  pinned: 1,
  together: [],
};
const MAP = { data: DATA, weights: [0.5, 0.25, 0.25, 1, 0, 0, 0.1, 0.2, 0.7, 0.4, 0.6, 0], hover: null };

test("the weight of heads that lie over each other is their mean", () => {
  assert.equal(weightOf(MAP, [0], 2), (0.25 + 0.7) / 2);
  assert.equal(weightOf(MAP, [1], 0), (1 + 0.4) / 2);
  assert.equal(weightOf({ ...MAP, data: { ...DATA, heads: [1] } }, [1], 1), 0);
  assert.equal(weightOf(MAP, [0, 1], 2), (0.25 + 0 + 0.7 + 0) / 4); // and so is that of several rows
});

test("the token under the pointer is lit, in text else the pinned row", () => {
  const text = { ...DATA, layout: "text" };
  assert.deepEqual(lit(MAP), {});
  assert.deepEqual(lit({ ...MAP, data: text }), { queries: [1] });
  assert.deepEqual(lit({ ...MAP, data: { ...DATA, together: [0, 1] } }), { queries: [0, 1] });
  assert.deepEqual(lit({ ...MAP, data: { ...text, pinned: null } }), {});
  assert.deepEqual(lit({ ...MAP, data: text, hover: { side: "key", index: 2 } }), { key: 2 });
});

test("what is said of a token are its largest weights, but none that is 0", () => {
  assert.equal(said(MAP, { queries: [0] }), "“a” looks at “z” 0.475, “x” 0.300, “y” 0.225");
  assert.equal(said(MAP, { queries: [1] }), "“b” looks at “x” 0.700, “y” 0.300");
  assert.equal(said(MAP, { queries: [0, 1] }), "“a”, “b” look on average at “x” 0.500, “y” 0.263, “z” 0.237");
  assert.equal(said(MAP, { key: 0 }), "“x” is looked at by “b” 0.700, “a” 0.300");
  assert.equal(said(MAP, {}), "Hover.");
  assert.equal(said(MAP, { queries: [2] }), "Hover."); // the text has become shorter
});

test("a line begins and ends at the sides of its tokens that face each other", () => {
  const box = { left: 10, top: 20, width: 30, height: 8 };
  assert.deepEqual(anchor(box, "query", "columns"), [40, 24]);
  assert.deepEqual(anchor(box, "key", "columns"), [10, 24]);
  assert.deepEqual(anchor(box, "query", "lines"), [25, 28]);
  assert.deepEqual(anchor(box, "key", "lines"), [25, 20]);
});

test("a curve ends where it should, and begins and ends straight", () => {
  assert.deepEqual(curve([1, 2], [7, 10], "columns"), [4, 2, 4, 10, 7, 10]);
  assert.deepEqual(curve([1, 2], [7, 10], "lines"), [1, 6, 7, 6, 7, 10]);
});

test("lines of heads lie beside each other, around where one would", () => {
  assert.deepEqual(beside(0, 1, "columns"), [0, 0]);
  const shifts = [0, 1, 2, 3].map((head) => beside(head, 4, "lines")[0]);
  assert.equal(
    shifts.reduce((sum, shift) => sum + shift),
    0,
  );
  assert.equal(new Set(shifts).size, 4);
});

test("a larger weight is wider and stronger, and the faintest is not drawn", () => {
  assert.equal(stroke(0.019, false), null);
  for (const alone of [true, false]) {
    const [weak, strong] = [stroke(0.1, alone), stroke(0.9, alone)];
    assert.ok(weak.width < strong.width && weak.opacity < strong.opacity && strong.opacity <= 1);
  }
});

test("the arrow keys, Home and End lead to a row, and stop at the ends", () => {
  const from = (key, at) => rowAt(key, at, 5);
  assert.deepEqual(
    [from("ArrowDown", 1), from("ArrowRight", 4), from("ArrowUp", 0), from("ArrowLeft", 3)],
    [2, 4, 0, 2],
  );
  assert.deepEqual([from("Home", 3), from("End", 3), from("ArrowDown", -1), from("Enter", 2)], [0, 4, 0, undefined]);
});
