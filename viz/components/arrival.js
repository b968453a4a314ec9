// What Streamlit puts on a page comes in pieces, each of which would push aside what is there. Until they all stand,
// a page that is opened is hidden, and of one that shows another part of itself that part (arrival.css). This runs in
// the head of the document, before anything else.

const LONGEST = 60000; // milliseconds, more than a server takes that has just started; then what there is is shown
const STILL = 2; // frames in a row without anything to come
const ANSWERED = 5000; // milliseconds, in which a busy server begins to turn after a click, or there is nothing to turn
const [ARRIVING, TURNING] = ["arriving", "turning"];

export function arrival(data) {
  const root = document.documentElement;
  const there = (selector) => document.querySelector(selector) !== null;
  const complete = () => there(data.finished) && there(data.shown) && !there(data.coming);
  let [still, until, looking, begun] = [0, 0, false, false];
  const look = () => {
    const now = performance.now();
    begun ||= there(data.running);
    still = (begun || now > until) && complete() ? still + 1 : 0;
    looking = still <= STILL && now < until + LONGEST;
    if (looking) requestAnimationFrame(look);
    else root.classList.remove(ARRIVING, TURNING);
  };
  const hide = (as, atLeast = 0) => {
    root.classList.add(as);
    [still, until, begun] = [0, performance.now() + atLeast, false];
    if (!looking) look();
  };
  document.addEventListener(data.turned, () => hide(TURNING));
  const turns = ({ target }) => target.closest?.(data.turners) && hide(TURNING, ANSWERED);
  document.addEventListener("click", turns, { capture: true });
  hide(ARRIVING);
}
