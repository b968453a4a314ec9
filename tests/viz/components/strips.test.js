import assert from "node:assert/strict";
import { test } from "node:test";

import { cellAt, geometry, namedRows, picked, written } from "../../../viz/components/strips_geometry.js";

const NAMES = ["a", "b", "c", "d", "e"];
const MATRIX = { shape: [5, 7], rows: NAMES, steady: false, framed: 1, strongest: null };
const LIST = { ...MATRIX, shape: [5, 1] };
const VECTOR = { ...MATRIX, shape: [1, 11], rows: null };

test("numbers are written as people read them", () => {
  const expected = [
    [3, "3"],
    [-2, "−2"],
    [0.123456, "0.1235"],
    [-1.5, "−1.500"],
    [-Infinity, "−∞"],
    [0.00042, "4.2·10⁻⁴"],
    [-1e-12, "−1.0·10⁻¹²"],
  ];
  for (const [value, text] of expected) assert.equal(written(value), text);
});

test("the cell in the middle of a cell is that cell", () => {
  for (const data of [MATRIX, LIST, VECTOR]) {
    const place = geometry(311, data);
    const [rows, columns] = data.shape;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const [x, y] = [place.left + (column + 0.5) * place.cell[0], (row + 0.5) * place.cell[1]];
        assert.deepEqual(cellAt(place, x, y), [row, column]);
      }
    assert.equal(cellAt(place, 312, 1), null);
    assert.equal(cellAt(place, place.left + 1, rows * place.cell[1] + 1), null);
  }
  assert.deepEqual(cellAt(geometry(311, MATRIX), 5, 1), [0, 0]); // the name of a row
});

test("what it is decides how high it may be, and what is steady takes no more than it needs", () => {
  assert.deepEqual(
    [MATRIX, LIST, VECTOR].map((data) => geometry(311, data).kind),
    ["matrix", "list", "vector"],
  );
  assert.equal(geometry(311, { ...MATRIX, steady: true }).full, 5 * 22);
  assert.equal(geometry(311, MATRIX).full, geometry(311, { ...MATRIX, shape: [101, 7] }).full);
});

test("where rows are low, the framed and the strongest one are named all the same", () => {
  const many = { ...LIST, shape: [101, 1], rows: Array.from({ length: 101 }, (_, i) => `${i}`) };
  const place = geometry(311, many);
  const shown = namedRows(place, { ...many, framed: 37, strongest: 71 });
  assert.ok(shown.includes(37) && shown.includes(71) && shown.length < 40);
  for (let i = 1; i < shown.length; i++) assert.ok((shown[i] - shown[i - 1]) * place.cell[1] >= 10);
  assert.ok(!namedRows(place, { ...many, framed: 37, strongest: 38 }).includes(38));
  assert.deepEqual(namedRows(geometry(311, MATRIX), MATRIX), [0, 1, 2, 3, 4]);
  assert.deepEqual(namedRows(geometry(311, VECTOR), VECTOR), []);
});

test("an operand's number, row or column; an axis of length 1 stands for all", () => {
  const values = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const matrix = { shape: [2, 3], values };
  assert.equal(picked({ ...matrix, pick: "number" }, [1, 2]), 6);
  assert.deepEqual([...picked({ ...matrix, pick: "row" }, [1, 0])], [4, 5, 6]);
  assert.deepEqual([...picked({ ...matrix, pick: "column" }, [0, 1])], [2, 5]);
  assert.equal(picked({ shape: [1, 6], values, pick: "number" }, [4, 2]), 3);
  assert.equal(picked({ shape: [6, 1], values, pick: "number" }, [4, 2]), 5);
});
