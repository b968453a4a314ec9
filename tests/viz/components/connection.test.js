import assert from "node:assert/strict";
import { test } from "node:test";

import { withTexts } from "../../../viz/components/connection.js";

const HERE = "http://localhost:8501/anatomy?layer_number=2&source=a+dog#the-rows";

test("what was typed stands in the address, whatever it is", () => {
  for (const text of ["", "a dog runs", "a+b &c=d#e", "🔦 שלום\u0000"]) {
    const { pathname, searchParams } = new URL(withTexts(HERE, [["source", text]]));
    assert.deepEqual([pathname, ...searchParams], ["/anatomy", ["layer_number", "2"], ["source", text]]);
  }
});

test("a part of the page is not named any more", () => {
  assert.equal(withTexts(HERE, []), HERE.replace("#the-rows", ""));
});
