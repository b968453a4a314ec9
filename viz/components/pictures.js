// What one keystroke changes is one component, since for each of them the browser does as much again as all the
// drawing takes: what the model made of the text, all heads, the words about one, and that head large.
//
// While someone types, the pictures are ahead of the page (typing.js); Streamlit brings what is on screen by then.

import { written } from "./address.js";
import { output } from "./output.js";
import { overview } from "./overview.js";
import { behind, listen } from "./typing.js";

const PAUSE = 400; // milliseconds without a change, after which the address is written

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Draw what is not on screen yet. */
function draw(page, data) {
  behind(page.typed !== null);
  if (page.typed === null || page.typed === data.text) remember(page, data.addresses); // else a newer text is on its way
  if (same(page.drawn, data)) return;
  page.drawn = data;
  write(page, data.output);
  const { all, words, large, reading } = page.places;
  overview({ data: data.overview, parentElement: all, setTriggerValue: page.trigger });
  for (const [place, html] of [
    [words, data.words],
    [reading, data.reading],
  ])
    if (place.made !== html) place.innerHTML = place.made = html; // by the server, every token in it escaped
  drawHead(page, large, data);
}

/** Write the output. It stands elsewhere on the page, and Streamlit may put it there later than the pictures. */
function write(page, told) {
  const place = document.querySelector(page.follow.output);
  if (place) output({ ...told, note: page.trouble || told.note }, place);
  else if (!page.left.signal.aborted) requestAnimationFrame(() => page.drawn.output === told && write(page, told));
}

/** While something is pointed at, it is said in place of the last paragraph: that is about the framed row. */
function point(words, text) {
  words.classList.toggle("pointing", text !== null);
  const line = words.querySelector(".pointed") ?? words.appendChild(document.createElement("p"));
  line.className = "pointed";
  line.textContent = text ?? "";
}

/** Say, where the note on the output stands, why the server does not draw what is typed; "" if it does. */
function tell(page, trouble) {
  if (page.trouble === trouble) return;
  page.trouble = trouble;
  if (page.drawn) write(page, page.drawn.output);
}

/** Draw the head by the script of its view; each has a place of its own, and one of them is seen. */
function drawHead(page, large, data) {
  for (const place of large.children) place.hidden = place.dataset.script !== data.script;
  const name = (row) => (row === null ? null : data.names[row]);
  const pinned = ({ row, together = [] }) => ({ name: name(row), together: together.map(name) });
  const tell = (what, value) => page.trigger(what, what === "pinned" ? pinned(value) : value);
  page.scripts[data.script]({
    data: data.head,
    parentElement: large.querySelector(":scope > :not([hidden])"),
    setTriggerValue: tell,
    zoomed: (to) => page.trigger("zoomed", { to }),
    say: (text) => point(page.places.words, text),
  });
}

/**
 * Write what is on screen into the address, once typing pauses. Streamlit would do it at every keystroke, which takes
 * the browser longer than drawing the page. Of what widgets choose it writes the address itself, but when one is used
 * while the page is still being drawn for another, that choice can get lost there; here it is written again.
 */
function remember(page, addresses) {
  clearTimeout(page.remembering);
  const before = window.location.href;
  page.remembering = setTimeout(() => {
    const { href } = window.location;
    const settled = href === before; // else a widget was used just now, and what it chose is yet to be drawn
    if (!settled) remember(page, addresses);
    const url = written(href, addresses, settled);
    if (url !== href) window.history.replaceState(window.history.state, "", url);
  }, PAUSE);
}

/** A page listens to its text field until it is left. */
function open(root) {
  const [all, words, large, reading] = root.children;
  const page = {
    typed: null,
    asking: null,
    trouble: "",
    left: new AbortController(),
    places: { all, words, large, reading },
  };
  page.draw = (data) => draw(page, data);
  page.tell = (trouble) => tell(page, trouble);
  listen(page);
  return page;
}

/** The component, with the scripts that draw one head, by name. */
export const pictures =
  (scripts) =>
  ({ data, parentElement, setTriggerValue }) => {
    const { follow, ...drawn } = data;
    const root = parentElement.querySelector(".pictures");
    const page = (root.page ??= open(root));
    if (page.follow?.visitor !== follow.visitor) tell(page, ""); // another server may do it
    Object.assign(page, { follow, scripts, trigger: setTriggerValue });
    if (page.typed === data.text) page.typed = null; // the page has caught up
    if (page.typed === null) draw(page, drawn);
    return () => {
      page.left.abort();
      behind(false);
      clearTimeout(page.remembering); // the address is another page's now
      delete root.page;
    };
  };
