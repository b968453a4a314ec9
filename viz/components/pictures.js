// What one keystroke changes is one component, since for each of them the browser does as much again as all the
// drawing takes: what the model made of the text, all heads, the words about one, and that head large.
//
// While someone types, the pictures are ahead of the page: at each keystroke they ask the server for what is to be
// drawn (viz/pages/explore/live.py). Streamlit hears of the text when typing pauses, and brings what is on screen by then.

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const isSource = (event) => event.target.closest?.(".st-key-source") !== null;

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Draw what is not on screen yet. */
function draw(page, data) {
  if (same(page.drawn, data)) return;
  page.drawn = data;
  const { parentElement, trigger } = page;
  const find = (name) => parentElement.querySelector(`.pictures > .st-key-${name}`);
  const output = document.querySelector(".st-key-translation .output");
  write(output.querySelector("label"), data.label);
  write(output.querySelector(".target"), data.target || "\u00a0");
  overview({ data: data.overview, parentElement: find("overview"), setTriggerValue: trigger });
  for (const name of ["words", "reading"]) {
    const place = find(name);
    if (place.made !== data[name]) place.innerHTML = place.made = data[name]; // by the server, every token in it escaped
  }
  const large = find("head");
  large.querySelector(".head-map").hidden = !data.head;
  large.querySelector(".links").hidden = !data.links;
  const tell = (name, value) =>
    trigger(name, name === "pinned" ? { name: value.row === null ? null : data.names[value.row] } : value);
  const zoomed = (to) => trigger("zoomed", { to });
  if (data.head) head({ data: data.head, parentElement: large, setTriggerValue: tell, zoomed });
  if (data.links) links({ data: data.links, parentElement: large, setTriggerValue: tell });
  remember(page, data.addresses);
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
    const url = new URL(window.location.href);
    const settled = url.href === before; // else a widget was used just now, and what it chose is yet to be drawn
    if (!settled) remember(page, addresses);
    for (const { name, value, initial, own } of addresses) {
      if (!own && !settled) continue;
      if (value === initial) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
  }, 400);
}

/** What the server would draw of a text. The address is that of the page, whatever is before it. */
async function ask(visitor, text, signal) {
  const answer = await fetch("live", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ visitor, text }),
    signal,
  });
  if (!answer.ok) throw new Error(`the server cannot draw this text: ${answer.status}`);
  return answer.json();
}

/** Draw what is typed, one text after the other, the newest first; what came in between is left out. */
async function follow(page) {
  if (page.asking) return;
  page.asking = true;
  try {
    for (let text = null; page.typed !== null && page.typed !== text; ) {
      text = page.typed;
      const data = await ask(page.visitor, text, page.left.signal);
      if (page.typed !== null) draw(page, data);
    }
  } catch {
    page.typed = null; // the page is told when typing pauses, so it will be drawn then
  } finally {
    page.asking = false;
  }
}

/** A page listens to its text field until it is left. */
function open() {
  const page = { typed: null, asking: false, left: new AbortController() };
  const { signal } = page.left;
  document.addEventListener(
    "input",
    (event) => {
      if (!isSource(event)) return;
      page.typed = event.target.value;
      follow(page);
    },
    { signal },
  );
  // Whoever leaves the field tells the page its text; from then on the page may change it.
  document.addEventListener("focusout", (event) => isSource(event) && (page.typed = null), { signal });
  return page;
}

export default function ({ data: { follow: visitor, ...data }, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pictures");
  const page = (root.page ??= open());
  Object.assign(page, { visitor, parentElement, trigger: setTriggerValue });
  if (page.typed === data.text) page.typed = null; // the page has caught up
  if (page.typed === null) draw(page, data);
  return () => {
    page.left.abort();
    clearTimeout(page.remembering); // the address is another page's now
    delete root.page;
  };
}
