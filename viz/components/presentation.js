// What a presentation hears: the keys of a clicker and the arrows turn what the page has to turn, Escape ends it.
// In any mode, a page that shows another part of itself begins at its top.

const TURNS = { PageDown: 1, PageUp: -1, ArrowRight: 1, ArrowLeft: -1 };
const TAKES_ARROWS = "input, textarea, select, canvas, svg, [role=radio], [role=slider], [role=option], [role=tab]";
const LEFT = 40; // pixels below the fold that nobody misses

let said = { presenting: false };
let listening = false;

/** Something of the page by the selector that the page gave for it. */
const find = (selector) => document.querySelector(selector);

/** A button that can be seen and pressed, of those the selector names. */
function seen(selector) {
  const main = find(said.main)?.getBoundingClientRect();
  return [...document.querySelectorAll(selector)].find((button) => {
    const { top, bottom, width } = button.getBoundingClientRect();
    return main && width && !button.disabled && top >= main.top && bottom <= main.bottom;
  });
}

/** Go on in the page as far as there is more of it; false at its end. */
function scrolled(by) {
  const main = find(said.main);
  if (!main) return false;
  const left = by > 0 ? main.scrollHeight - main.clientHeight - main.scrollTop : main.scrollTop;
  if (left < LEFT) return false;
  main.scrollBy({ top: by * main.clientHeight * 0.9 });
  return true;
}

function turn(event) {
  if (!said.presenting || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  const by = TURNS[event.key];
  if (event.key === "Escape" && !find(said.open)) find(said.end)?.click();
  if (!by || (event.key.startsWith("Arrow") && event.target.matches?.(TAKES_ARROWS))) return;
  const near = seen(by > 0 ? said.nearOn : said.nearBack);
  const button = find(by > 0 ? said.on : said.back);
  if (near) {
    event.preventDefault();
    near.click();
  } else if (event.key.startsWith("Page") && scrolled(by)) event.preventDefault();
  else if (button && !button.disabled) {
    event.preventDefault();
    button.click();
  }
}

export function presentation({ data }) {
  const turned = data.place !== said.place;
  said = data;
  if (turned) {
    document.dispatchEvent(new Event(said.turned));
    find(said.main)?.scrollTo(0, 0);
  }
  if (listening) return;
  listening = true;
  document.addEventListener("keydown", turn);
}
