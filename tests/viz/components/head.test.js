import assert from "node:assert/strict";
import { test } from "node:test";

import {
  between,
  cellAt,
  geometry,
  legendPlace,
  named,
  STRIP,
  tipPlace,
  upright,
  viewOf,
} from "../../../viz/components/head_geometry.js";
import { joined, meanOf, runs, stretched, unanswered } from "../../../viz/components/head_rows.js";
import { pointedAt } from "../../../viz/components/head_words.js";
import { cameFrom, eased } from "../../../viz/components/head_motion.js";

const room = (rows, columns, { width = 701, height = 503, font = 15, name = 40 } = {}) => ({
  width,
  height,
  font,
  names: { row: Array(rows).fill(name), column: Array(columns).fill(name) },
});
const ROOM = room(7, 11);
const PART = viewOf(
  [
    [2, 5],
    [3, 4],
  ],
  7,
  11,
);
const CASES = [
  [ROOM, viewOf(null, 7, 11)],
  [ROOM, PART],
  [room(401, 503), viewOf(null, 401, 503)],
  [room(7, 11, { width: 358, height: 390, font: 13 }), viewOf(null, 7, 11)],
];

test("the cell in the middle of a cell is that cell", () => {
  for (const [space, view] of CASES) {
    const place = geometry(space, view);
    for (let row = view.row[0]; row < view.row[1]; row++)
      for (let column = view.column[0]; column < view.column[1]; column++)
        assert.deepEqual(cellAt(place, view, place.x(column + 0.5), place.y(row + 0.5)), { row, column });
  }
});

test("cells are square, and they, their names and the colour scale lie in the room", () => {
  for (const [space, view] of CASES) {
    const place = geometry(space, view);
    assert.equal(place.x(view.column[0]), place.left);
    assert.equal(place.y(view.row[0]), place.top);
    assert.ok(place.left + place.width + place.right <= space.width + 1e-9);
    assert.ok(legendPlace(place).top + 24 <= space.height);
    assert.ok(place.left > 40 && place.top > 12);
  }
});

test("they use the height or the width that there is, up to a largest size", () => {
  const few = geometry(room(2, 2), viewOf(null, 2, 2));
  assert.equal(few.cell, 56);
  const many = geometry(room(10, 10), viewOf(null, 10, 10));
  assert.ok(many.top + many.height > 503 - 44 - many.cell);
});

test("names of columns stand upright where they fit, and are turned where they do not", () => {
  const turned = (name, columns) => geometry(room(5, columns, { name }), viewOf(null, 5, columns)).turn;
  assert.equal(turned(10, 9), 0);
  assert.equal(turned(60, 9), -45);
  assert.equal(turned(60, 40), -60);
});

test("an upright name stands over its cell, and a wide one at an end reaches outwards", () => {
  const view = viewOf(null, 5, 9);
  const place = geometry(room(5, 9, { name: 10 }), view);
  assert.deepEqual(upright(place, view, 4, 10), [place.x(4.5), "middle"]);
  assert.deepEqual(upright(place, view, 8, 90), [place.x(8) + 1, "start"]);
  assert.deepEqual(upright(place, view, 0, 90), [place.x(1) - 1, "end"]);
});

test("a longer name of a row moves no cell until it is very long", () => {
  const left = (name) => geometry(room(5, 9, { name }), viewOf(null, 5, 9)).left;
  assert.equal(left(20), left(60));
  assert.ok(left(100) > left(60));
});

test("left of the cells is a row without a column, around them nothing", () => {
  const view = viewOf(null, 7, 11);
  const place = geometry(ROOM, view);
  assert.deepEqual(cellAt(place, view, place.left - 20, place.y(3.5)), { row: 3, column: null });
  for (const [x, y] of [
    [place.left + 5, place.top - 1],
    [place.left + 5, place.top + place.height + 1],
    [place.left + place.width + 1, place.y(3.5)],
  ])
    assert.equal(cellAt(place, view, x, y), null);
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

test("names thin out until they have room, and those that are kept push the others away", () => {
  const few = viewOf(null, 3, 5);
  assert.deepEqual(named(geometry(room(3, 5), few), few, "row"), [0, 1, 2]);
  const [space, view] = CASES[2];
  const place = geometry(space, view);
  for (const axis of ["row", "column"]) {
    const shown = named(place, view, axis, [100]);
    assert.ok(shown.length > 10 && shown.includes(100));
    for (let i = 1; i < shown.length; i++) assert.ok((shown[i] - shown[i - 1]) * place.cell >= place.font);
  }
});

test("a tip stays in the picture, and above its cell where there is room", () => {
  const tip = { width: 160, height: 44 };
  for (const [space, view] of CASES) {
    const place = geometry(space, view);
    for (const row of [view.row[0], view.row[1] - 1])
      for (const column of [view.column[0], view.column[1] - 1]) {
        const { left, top } = tipPlace(place, space, { row, column }, tip);
        assert.ok(left >= 0 && left + tip.width <= space.width);
        assert.ok(top + tip.height <= place.y(row) || place.y(row) < tip.height + 6);
      }
  }
});

test("what stays of a text is found where it stood, and the rest is new", () => {
  assert.deepEqual(cameFrom(["the", "cat", "."], ["the", "black", "cat", "."]), [0, -1, 1, 2]);
  assert.deepEqual(cameFrom(["a", "b", "a"], ["b", "a", "a"]), [1, 2, -1]);
  assert.deepEqual(cameFrom([], ["a"]), [-1]);
  assert.deepEqual(cameFrom(Array(300).fill("a"), ["a"]), [-1]); // too much to follow
});

test("a movement begins where it was and ends where it goes, never further", () => {
  assert.deepEqual([-1, 0, 1, 7].map(eased), [0, 0, 1, 1]);
  assert.ok(eased(0.5) > 0.5);
});

test("one more row joins those that are chosen, or leaves them", () => {
  const alone = { pinned: 4, together: [] };
  const three = { pinned: 4, together: [1, 4, 6] };
  assert.deepEqual(joined(alone, 1), { row: 4, together: [1, 4] });
  assert.deepEqual(joined(three, 10), { row: 4, together: [1, 4, 6, 10] });
  assert.deepEqual(joined(three, 6), { row: 4, together: [1, 4] });
  assert.deepEqual(joined(three, 4), { row: 1, together: [1, 6] });
  assert.deepEqual(joined({ pinned: 4, together: [1, 4] }, 4), { row: 1, together: [] });
  assert.deepEqual(joined(alone, 4), { row: null, together: [] });
  assert.deepEqual(joined({ pinned: null, together: [] }, 2), { row: 2, together: [] });
});

test("the end of the choice moves from the pinned row, up or down, and not beyond the rows", () => {
  let at = { pinned: 2, together: [] };
  const move = (step) => {
    const next = stretched(at, step, 5);
    at = { pinned: next.row, together: next.together };
    return next.together;
  };
  assert.deepEqual([1, 1, 1].map(move), [
    [2, 3],
    [2, 3, 4],
    [2, 3, 4],
  ]);
  assert.deepEqual([-1, -1, -1, -1, -1].map(move), [[2, 3], [], [1, 2], [0, 1, 2], [0, 1, 2]]);
  assert.deepEqual(stretched({ pinned: 2, together: [0, 2] }, 1, 5), { row: 2, together: [2, 3] });
  assert.deepEqual(stretched({ pinned: 2, together: [0, 2, 4] }, 1, 5), { row: 2, together: [2, 3] });
  assert.deepEqual(stretched({ pinned: null, together: [] }, 1, 5), { row: 0, together: [] });
  assert.deepEqual(stretched({ pinned: null, together: [] }, -1, 5), { row: 4, together: [] });
});

test("the mean of rows is that of their weights in each column", () => {
  const weights = Float32Array.from([0.25, 0.75, 1, 0, 0.5, 0.5]);
  assert.deepEqual([...meanOf(weights, 2, [0, 1])], [0.625, 0.375]);
  assert.deepEqual([...meanOf(weights, 2, [2])], [0.5, 0.5]);
});

test("rows beside each other have one frame", () => {
  assert.deepEqual(runs([0, 1, 4, 6, 7, 8]), [
    [0, 1],
    [4, 4],
    [6, 8],
  ]);
  assert.deepEqual(runs([]), []);
});

test("the strip lies between the cells and the colour scale, and has no row", () => {
  for (const [space, view] of CASES) {
    const place = geometry({ ...space, strip: 90 }, view);
    const { strip } = place;
    assert.ok(place.left >= (90 * place.font) / space.font);
    assert.ok(strip.top > place.top + place.height && strip.height >= 14);
    assert.ok(legendPlace(place).top >= strip.top + strip.height);
    assert.ok(legendPlace(place).top + 24 <= space.height);
    const [x, y] = [place.x(view.column[0] + 0.5), strip.top + strip.height / 2];
    assert.deepEqual(cellAt(place, view, x, y), { row: STRIP, column: view.column[0] });
    assert.equal(cellAt(place, view, place.left - 9, y), null);
    assert.equal(geometry(space, view).strip, null);
    const at = { row: STRIP, column: view.column[0] };
    assert.ok(tipPlace(place, space, at, { width: 160, height: 20 }).top <= strip.top - 20);
  }
});

test("rows chosen last hold until the server has answered, or shows other rows", () => {
  const before = { rows: ["a", "b", "c"] };
  const chosen = { row: 1, together: [1, 2], until: 100 };
  const data = (pinned, together, rows = before.rows) => ({ rows, pinned, together });
  assert.equal(unanswered(chosen, before, data(1, [0, 1, 2]), 50), chosen);
  assert.equal(unanswered(chosen, before, data(1, [1, 2]), 50), null);
  assert.equal(unanswered(chosen, before, data(0, []), 101), null); // it has had its time
  assert.equal(unanswered(chosen, before, data(0, [], ["a", "b"]), 50), null);
  assert.equal(unanswered({ ...chosen, row: null }, before, data(0, []), 50), null);
  assert.equal(unanswered(null, undefined, data(0, []), 50), null);
});

test("what a cell holds is said as a share only where its row sums to 1", () => {
  const data = {
    rows: ["a", "b", "c"],
    columns: ["x", "y"],
    masked: [
      [0, 0],
      [0, 0],
      [1, 2],
    ],
    together: [],
  };
  const weights = Float32Array.of(0.25, 0.75, 1.5, 0.5, 1, 0);
  const say = (row, column) => pointedAt({ data, weights, mean: null }, { row, column });
  assert.equal(say(0, 1), "“a” looks at “y”: 75% of its attention (0.750).");
  assert.equal(say(1, 0), "“b” looks at “x”: weight 1.500, in a row that sums to 2.000.");
  const change = { ...data, masked: [], mode: "change" };
  const says = (row, column) => pointedAt({ data: change, weights, mean: null }, { row, column });
  assert.equal(says(0, 1), "“a” looks at “y”: 0.500 more than before.");
  assert.equal(says(0, 0), "“a” looks at “x”: 0.500 less than before.");
  assert.equal(says(1, 1), "“b” looks at “y”: no change.");
  assert.equal(say(2, 1), "“c” may not look at “y”: it is masked.");
});
