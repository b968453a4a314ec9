import assert from "node:assert/strict";
import { test } from "node:test";

import { cellAt, curveGeometry, mapGeometry, tick } from "../../../viz/components/film_geometry.js";

const NAMES = { rows: 83, columns: 71, last: 41 };

test("the cell in the middle of a cell is that cell", () => {
  for (const [rows, columns] of [
    [5, 7],
    [101, 53],
  ]) {
    const place = mapGeometry(701, rows, columns, NAMES);
    for (const [row, column] of [
      [0, 0],
      [rows - 1, columns - 1],
      [3, 2],
    ]) {
      const [x, y] = [place.left + (column + 0.5) * place.cell, place.top + (row + 0.5) * place.cellHeight];
      assert.deepEqual(cellAt(place, rows, columns, x, y), [row, column]);
    }
    for (const [x, y] of [
      [place.left - 1, place.top + 1],
      [place.left + 1, place.top - 1],
      [place.left + columns * place.cell + 1, place.top + 1],
      [place.left + 1, place.top + rows * place.cellHeight + 1],
    ])
      assert.equal(cellAt(place, rows, columns, x, y), null);
  }
});

test("a map fits into its room, and its names have theirs", () => {
  const place = mapGeometry(701, 101, 53, NAMES);
  assert.ok(place.width <= 701);
  assert.ok(place.left > NAMES.rows && place.every[0] * place.cellHeight >= 14 && place.every[1] * place.cell >= 14);
  assert.ok(mapGeometry(1301, 5, 7, NAMES).cell <= 36);
});

test("names of columns stand upright where each has room over its cell", () => {
  assert.ok(mapGeometry(701, 7, 11, { ...NAMES, columns: 13 }).upright);
  const turned = mapGeometry(701, 7, 11, NAMES);
  assert.ok(!turned.upright && turned.top > NAMES.columns * 0.8);
});

test("the curve goes from one side of its frame to the other", () => {
  const place = curveGeometry(600, { steps: [0, 50, 1100], low: -1, high: 3 });
  assert.deepEqual([place.x(0), place.x(1100)], [place.left, place.right]);
  assert.deepEqual([place.y(-1), place.y(3)], [place.bottom, place.top]);
  const flat = curveGeometry(300, { steps: [0], low: 2, high: 2 });
  assert.deepEqual([flat.x(0), flat.y(2), flat.width], [flat.left, flat.bottom, 300]);
});

test("values beside the axis have two decimals and a true minus sign", () => {
  assert.deepEqual([0, -0.5, 1.2345].map(tick), ["0", "−0.5", "1.23"]);
});
