// The browser's history has one entry for each choice, and Back gives the view before it.
//
// Streamlit writes a choice into the address in up to three steps: what a widget says, at once and without an entry;
// what the server makes of it, some time later and with an entry; and what the pictures say themselves. Here whatever
// follows a click or a key is one entry: the first step makes it, the others amend it. Typing amends the one there is.

const INSTALLED = Symbol.for("headlight.history");
const TYPED_IN = "textarea, input:is([type=text], [type=number]):not([role=combobox])";

function install(window) {
  const { history, location } = window;
  if (history[INSTALLED]) return;
  history[INSTALLED] = true;
  const add = history.pushState.bind(history);
  const amend = history.replaceState.bind(history);
  let chosen = false; // something that has no entry yet
  const begin = (event) => (chosen = !event.target.matches?.(TYPED_IN));
  window.addEventListener("pointerdown", begin, { capture: true });
  window.addEventListener("keydown", begin, { capture: true });
  window.addEventListener("popstate", () => (chosen = false), { capture: true });
  history.pushState = history.replaceState = (state, unused, url) => {
    const moved = new URL(url ?? location.href, location.href).href !== location.href;
    (chosen && moved ? add : amend)(state, unused, url);
    if (moved) chosen = false;
  };
}

export function history({ parentElement }) {
  install(parentElement.ownerDocument?.defaultView ?? window);
}
