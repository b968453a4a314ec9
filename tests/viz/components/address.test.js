import assert from "node:assert/strict";
import { test } from "node:test";

import { written } from "../../../viz/components/address.js";

const HERE = "http://localhost:8501/?kind=Cross&panel=Atlas&token=2+o";
const said = (name, value, own = false) => ({ name, value, initial: "first", own });
const query = (href) => Object.fromEntries(new URL(href).searchParams);

test("what is chosen is written, what the page begins with is left out, the rest is let be", () => {
  const found = written(HERE, [said("kind", "first"), said("token", "3 g", true), said("view", "Lines")], true);
  assert.deepEqual(query(found), { panel: "Atlas", token: "3 g", view: "Lines" });
});

test("before Streamlit has written what widgets say, only what has none is", () => {
  const found = written(HERE, [said("kind", "first"), said("token", "first", true)], false);
  assert.deepEqual(query(found), { kind: "Cross", panel: "Atlas" });
});

test("any text comes back from the address", () => {
  for (const text of ["a+b &c=d#e", "🔦 שלום", "%41 <b>"]) {
    assert.equal(query(written(HERE, [said("source", text, true)], true)).source, text);
  }
});

test("an address that says it already stays as it is", () => {
  assert.equal(written(HERE, [said("kind", "Cross"), said("token", "2 o", true)], true), HERE);
});
