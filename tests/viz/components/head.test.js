import assert from "node:assert/strict";
import { test } from "node:test";

import {
  between,
  cellAt,
  geometry,
  HEIGHT,
  legendPlace,
  MARGIN,
  named,
  tipPlace,
  viewOf,
} from "../../../viz/components/head_geometry.js";

const WIDTH = 701;
const VIEWS = [
  viewOf(null, 7, 11),
  viewOf(
    [
      [2, 5],
      [3, 4],
    ],
    7,
    11,
  ),
  viewOf(null, 401, 503),
];

test("the cell in the middle of a cell is that cell", () => {
  for (const view of VIEWS) {
    const place = geometry(WIDTH, view);
    for (let row = view.row[0]; row < view.row[1]; row++)
      for (let column = view.column[0]; column < view.column[1]; column++)
        assert.deepEqual(cellAt(WIDTH, view, place.x(column + 0.5), place.y(row + 0.5)), { row, column });
  }
});

test("the cells fill what the margins leave", () => {
  for (const view of VIEWS) {
    const place = geometry(WIDTH, view);
    assert.equal(place.x(view.column[0]), MARGIN.left);
    assert.equal(place.y(view.row[0]), MARGIN.top);
    assert.ok(Math.abs(place.x(view.column[1]) - (WIDTH - MARGIN.right)) < 1e-9);
    assert.ok(Math.abs(place.y(view.row[1]) - (HEIGHT - MARGIN.bottom)) < 1e-9);
  }
});

test("left of the cells is a row without a column, around them nothing", () => {
  const view = viewOf(null, 7, 11);
  const { y } = geometry(WIDTH, view);
  assert.deepEqual(cellAt(WIDTH, view, MARGIN.left - 20, y(3.5)), { row: 3, column: null });
  for (const [x, top] of [
    [MARGIN.left + 5, MARGIN.top - 1],
    [MARGIN.left + 5, HEIGHT - MARGIN.bottom + 1],
    [WIDTH - MARGIN.right, y(3.5)],
  ])
    assert.equal(cellAt(WIDTH, view, x, top), null);
});

test("a box between two cells holds both, whichever came first", () => {
  const [one, other] = [
    { row: 4, column: 2 },
    { row: 1, column: 6 },
  ];
  assert.deepEqual(between(one, other), [
    [1, 5],
    [2, 7],
  ]);
  assert.deepEqual(between(other, one), between(one, other));
  assert.deepEqual(viewOf(between(one, one), 7, 11), { row: [4, 5], column: [2, 3] });
});

test("names thin out until they have room", () => {
  assert.deepEqual(named(WIDTH, viewOf(null, 3, 5), "row"), [0, 1, 2]);
  const view = VIEWS[2];
  for (const [axis, room] of [
    ["row", 13],
    ["column", 16],
  ]) {
    const shown = named(WIDTH, view, axis);
    const size = geometry(WIDTH, view).cell[axis === "row" ? 1 : 0];
    assert.equal(shown[0], 0);
    assert.ok(shown.length > 10);
    for (let i = 1; i < shown.length; i++) {
      assert.ok((shown[i] - shown[i - 1]) * size >= room);
      assert.ok((shown[i] - shown[i - 1] - 1) * size < room);
    }
  }
});

test("a tip stays in the picture and off its cell", () => {
  const tip = { width: 160, height: 44 };
  for (const view of VIEWS) {
    const place = geometry(WIDTH, view);
    for (const row of [view.row[0], view.row[1] - 1])
      for (const column of [view.column[0], view.column[1] - 1]) {
        const { left, top } = tipPlace(WIDTH, view, { row, column }, tip);
        assert.ok(left >= 0 && left + tip.width <= WIDTH);
        assert.ok(top >= place.y(row + 1) || top + tip.height <= place.y(row));
        assert.ok(top + tip.height <= HEIGHT);
      }
  }
});

test("the colour scale is in the middle below the cells, and never wider than they are", () => {
  for (const width of [301, 701]) {
    const { left, top, width: bar } = legendPlace(width);
    assert.ok(bar <= 300 && top > HEIGHT - MARGIN.bottom);
    assert.equal(left - MARGIN.left, width - MARGIN.right - left - bar);
  }
});
