// What a page shows of the text that is typed in it, part by part: while someone types, the server is asked for each text
// (typing.js), and the parts are ahead of the page; Streamlit brings what is on screen by then. Each part is a component
// with a script of its own, so they meet at the document.

import { behind, listen } from "./typing.js";

const SHOWN = Symbol.for("headlight shown"); // of the document: by name, what its parts show
const CAME = "headlight-shown";

/** An answer names a long text, which several of its parts may have, by its place among all. */
export function unpacked(answer) {
  const { arrays, parts } = answer;
  const resolve = (value) => {
    if (Array.isArray(value)) return value.map(resolve);
    if (value === null || typeof value !== "object") return value;
    if ("array" in value) return arrays[value.array];
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one)]));
  };
  return resolve(parts);
}

/** Whether two values that JSON has are the same. */
export function same(one, other) {
  if (one === other || one === null || other === null || typeof one !== "object" || typeof other !== "object")
    return one === other;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => same(one[key], other[key]));
}

/** `show` the part of the page that has this name, now and whenever it changes, until `leave` is called. */
export function part(place, name, show) {
  leave(place);
  const draw = () => {
    const told = document[SHOWN]?.[name];
    if (told === undefined || same(place.drawn, told)) return;
    place.drawn = told;
    show(told);
  };
  place.following = draw;
  document.addEventListener(CAME, draw);
  draw();
}

export function leave(place) {
  document.removeEventListener(CAME, place.following);
}

function tell(parts) {
  document[SHOWN] = parts;
  document.dispatchEvent(new Event(CAME));
}

function open(root) {
  const page = { typed: null, asking: null, left: new AbortController() };
  page.draw = (answer) => {
    behind(page.typed !== null);
    tell(unpacked(answer));
  };
  page.tell = (trouble) => (root.textContent = trouble);
  listen(page);
  return page;
}

export function followed({ data, parentElement }) {
  const root = parentElement.querySelector(".followed");
  const page = (root.page ??= open(root));
  page.follow = data.follow;
  if (page.typed === data.text) page.typed = null; // the page has caught up
  if (page.typed === null) {
    page.draw(data.shown);
    page.tell("");
  }
  return () => {
    page.left.abort();
    behind(false);
    delete document[SHOWN];
    delete root.page;
  };
}
