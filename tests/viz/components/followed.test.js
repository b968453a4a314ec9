import assert from "node:assert/strict";
import { test } from "node:test";

import { leave, part, same, unpacked } from "../../../viz/components/followed.js";

test("a long text that several parts have comes to each of them", () => {
  const { words, strip } = unpacked({
    arrays: ["AAAA", "BBBB"],
    parts: {
      words: { array: 1 },
      strip: { values: { array: 0 }, shape: [2, 3], framed: null, of: [{ values: { array: 1 } }, { values: "C" }] },
    },
  });
  assert.equal(words, "BBBB");
  assert.deepEqual(strip, {
    values: "AAAA",
    shape: [2, 3],
    framed: null,
    of: [{ values: "BBBB" }, { values: "C" }],
  });
});

test("a part is shown when it changes, until it is left", () => {
  globalThis.document = new EventTarget();
  const shown = Symbol.for("headlight shown");
  const tell = (parts) => {
    document[shown] = parts;
    document.dispatchEvent(new Event("headlight-shown"));
  };
  const [place, seen] = [{}, []];
  part(place, "a", (told) => seen.push(told)); // nothing is known yet
  tell({ a: "1", b: "2" });
  tell({ a: "1", b: "3" });
  tell({ b: "4" });
  tell({ a: "5" });
  part(place, "b", (told) => seen.push(told)); // the place has another part now
  tell({ a: "6", b: "7" });
  leave(place);
  tell({ a: "8", b: "9" });
  assert.deepEqual(seen, ["1", "5", "7"]);
});

test("what is the same is not drawn again", () => {
  const value = () => ({ a: [1, null, { b: "c" }], d: false });
  assert.ok(same(value(), value()));
  for (const other of [null, "a", {}, { a: [1, null, { b: "c" }] }, { a: [1, null, { b: "e" }], d: false }, { d: 0 }])
    assert.ok(!same(value(), other) && !same(other, value()));
  assert.ok(same(null, null) && same("a", "a") && !same(undefined, null));
});
