import assert from "node:assert/strict";
import { test } from "node:test";

import { cellAt, curveGeometry, mapGeometry, tick } from "../../../viz/components/film_geometry.js";

const LETTER = 13;
const NAMES = { rows: 83, columns: 71, last: 41 };

test("the cell in the middle of a cell is that cell", () => {
  for (const [rows, columns] of [
    [5, 7],
    [101, 53],
  ]) {
    const place = mapGeometry(701, rows, columns, NAMES, LETTER);
    for (const [row, column] of [
      [0, 0],
      [rows - 1, columns - 1],
      [3, 2],
    ]) {
      const [x, y] = [place.left + (column + 0.5) * place.cell, place.top + (row + 0.5) * place.cell];
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
  const place = mapGeometry(701, 101, 53, NAMES, LETTER);
  assert.ok(place.width <= 701);
  assert.ok(place.left > NAMES.rows && place.every * place.cell > LETTER);
  assert.ok(mapGeometry(1301, 5, 7, NAMES, LETTER).cell <= 3 * LETTER);
  const [small, large] = [LETTER, 2 * LETTER].map((letter) => mapGeometry(2602, 5, 7, NAMES, letter));
  assert.equal(large.cell, 2 * small.cell); // a picture grows with its letters
});

test("names of columns stand upright where each has room over its cell", () => {
  assert.ok(mapGeometry(701, 7, 11, { ...NAMES, columns: 13 }, LETTER).upright);
  const turned = mapGeometry(701, 7, 11, NAMES, LETTER);
  assert.ok(!turned.upright && turned.top > NAMES.columns * 0.8);
});

test("the curve goes from one side of its frame to the other", () => {
  const place = curveGeometry(600, { steps: [0, 50, 1100], low: -1, high: 3 }, LETTER);
  assert.deepEqual([place.x(0), place.x(1100)], [place.left, place.right]);
  assert.deepEqual([place.y(-1), place.y(3)], [place.bottom, place.top]);
  const flat = curveGeometry(300, { steps: [0], low: 2, high: 2 }, LETTER);
  assert.deepEqual([flat.x(0), flat.y(2), flat.width], [flat.left, flat.bottom, 300]);
});

test("values beside the axis have two decimals and a true minus sign", () => {
  assert.deepEqual([0, -0.5, 1.2345].map(tick), ["0", "−0.5", "1.23"]);
});
