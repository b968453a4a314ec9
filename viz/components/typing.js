// What is typed is drawn ahead of the page: at each keystroke the server is asked for what is to be drawn
// (viz/pages/shared/live.py). Streamlit hears of the text when typing pauses.

const NO_ANSWER = "The server does not answer while you type. The page will catch up when you pause.";
/** Milliseconds that a text is waited for although a newer one was typed; then the newer one is asked for, and the
 * server gives up the older. */
const WAITED = 1000;

/** Whether the rest of the page is behind what is drawn of a text, for its style. */
export const behind = (is) => document.documentElement.toggleAttribute("data-behind", is);

/** Why the server does not draw a text, as a sentence. */
class Refusal extends Error {}

/** What the server would draw of a text. The address is that of the page, whatever is before it. */
async function ask(visitor, text, signal) {
  const answer = await fetch("live", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ visitor, text }),
    signal,
  });
  if (answer.ok) return answer.json();
  const { says } = await answer.json().catch(() => ({})); // who stands between may answer otherwise
  throw new Refusal(says ?? NO_ANSWER);
}

/** Draw what is typed, one text after the other, the newest first; what came in between is left out. */
async function follow(page) {
  if (page.asking) return;
  try {
    for (let text = null; page.typed !== null && page.typed !== text;) {
      text = page.typed;
      page.asking = { text, since: performance.now(), overtaken: new AbortController() };
      const { signal } = page.asking.overtaken;
      const drawn = await ask(page.follow.visitor, text, AbortSignal.any([page.left.signal, signal])).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted) {
        text = null; // it may be typed again
        continue;
      }
      page.tell("");
      if (page.typed !== null) page.draw(drawn);
    }
  } catch (error) {
    page.typed = null; // the page is told when typing pauses, so it will be drawn then
    if (!page.left.signal.aborted) page.tell(error instanceof Refusal ? error.message : NO_ANSWER);
  } finally {
    page.asking = null;
  }
}

/** A newer text than the one that is asked for was typed: in a while, the older one is waited for no longer. */
function overtake(page) {
  const { asking } = page;
  if (!asking) return;
  const stop = () => page.typed !== null && page.typed !== asking.text && asking.overtaken.abort();
  setTimeout(stop, asking.since + WAITED - performance.now());
}

/**
 * From now on, until `page.left` is aborted, `page.draw` is called with what the server makes of each text that is
 * typed in the field `page.follow.field` (a selector), and `page.tell` with why the server makes nothing of it ("" if it
 * does). `page.typed` is the text that is ahead of the page; null where none is.
 */
export function listen(page) {
  const { signal } = page.left;
  const inField = (event) => Boolean(event.target.closest?.(page.follow.field));
  const typed = (event) => {
    if (!inField(event)) return;
    page.typed = event.target.value;
    clearTimeout(page.remembering); // of an older text, which the address shall not say any more
    overtake(page);
    follow(page);
  };
  // On the way down to the field, so that the server works while React draws the field anew.
  document.addEventListener("input", typed, { capture: true, signal });
  // Whoever leaves the field tells the page its text; from then on the page may change it.
  document.addEventListener("focusout", (event) => inField(event) && (page.typed = null), { signal });
  // A link to another page does not take the focus before it is followed. What is typed would then be sent for this page
  // after the other one was asked for, and the browser, told of both, would be left with neither.
  const leave = ({ target }) => {
    const field = document.activeElement;
    if (field?.closest(page.follow.field) && !field.contains(target)) field.blur();
  };
  document.addEventListener("pointerdown", leave, { capture: true, signal });
}
