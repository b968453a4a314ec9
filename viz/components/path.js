// The parts of a page in their order, the one in view marked. A click goes to one, the buttons at the ends to what is not
// yet, or no longer, seen whole.

const NEAR = 4; // pixels that make no difference

const all = (selector) => [...document.querySelectorAll(selector)];

/** Where what covers the top of the page ends, once the page has scrolled: its header, and the path below it. */
function covered(path) {
  const header = parseFloat(getComputedStyle(path.root).scrollMarginTop) || 0;
  return path.scrolls.getBoundingClientRect().top + header + path.root.offsetHeight;
}

/** Where something begins and ends below what covers the top of the page; the first stop of a part begins with it. */
function place(path, node) {
  const above = covered(path);
  const part = node.closest(path.data.parts) ?? node;
  const first = part.querySelector(path.data.stops) === node ? part : node;
  return [first.getBoundingClientRect().top - above, node.getBoundingClientRect().bottom - above];
}

/** The height in which the page is seen. */
function height(path) {
  return path.scrolls.getBoundingClientRect().bottom - covered(path);
}

function goTo(path, node) {
  const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const top = path.scrolls.scrollTop + place(path, node)[0] - NEAR;
  path.scrolls.scrollTo({ top, behavior: smooth ? "smooth" : "auto" });
}

/** Where to go on: to the first that begins further down and is not seen whole. */
function following(path) {
  return all(path.data.stops).find((stop) => {
    const [top, bottom] = place(path, stop);
    return top > 2 * NEAR && bottom > height(path) + NEAR;
  });
}

/** Where to go back: so far that what begins at the top now is just out of sight, or the first that is seen again. */
function previous(path) {
  const above = all(path.data.stops).filter((stop) => place(path, stop)[0] < -NEAR);
  return above.find((stop) => -place(path, stop)[0] <= height(path)) ?? above.at(-1);
}

/** Mark the part that is in view: the last one that has begun in the upper half. */
function mark(path) {
  path.waiting = false;
  if (!path.root.isConnected) return;
  const middle = height(path) / 2;
  const begun = all(path.data.parts).filter((part) => place(path, part)[0] < middle).length;
  path.items.forEach((item, at) => {
    if (at === Math.max(0, begun - 1)) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
  const here = path.items[Math.max(0, begun - 1)];
  if (here) path.list.scrollTo({ left: here.offsetLeft - path.list.offsetLeft - path.list.clientWidth / 3 });
  path.back.disabled = !previous(path);
  path.on.disabled = !following(path);
}

function later(path) {
  if (path.waiting) return;
  path.waiting = true;
  requestAnimationFrame(() => mark(path));
}

function build(root) {
  const path = { root, list: root.querySelector("ol"), waiting: false };
  [path.back, path.on] = [".back", ".on"].map((name) => root.querySelector(name));
  path.back.onclick = () => goTo(path, previous(path) ?? path.root);
  path.on.onclick = () => goTo(path, following(path) ?? path.root);
  path.follow = () => later(path);
  return path;
}

export function path({ data, parentElement }) {
  const root = parentElement.querySelector(".path");
  const own = (root.path ??= build(root));
  own.data = data;
  own.items = data.titles.map((title, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title;
    button.onclick = () => {
      const part = all(data.parts)[at];
      if (part) goTo(own, part);
    };
    return button;
  });
  own.list.replaceChildren(
    ...own.items.map((item) => {
      const entry = document.createElement("li");
      entry.append(item);
      return entry;
    }),
  );
  own.scrolls?.removeEventListener("scroll", own.follow);
  [own.scrolls] = all(data.scrolls);
  own.scrolls?.addEventListener("scroll", own.follow, { passive: true });
  later(own);
  return () => own.scrolls?.removeEventListener("scroll", own.follow); // it stays when the page is left
}
