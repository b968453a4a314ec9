// What Streamlit puts on a page comes in pieces, each of which would push aside what is there. Until they all stand,
// the page is hidden (arrival.css). This runs in the head of the document, before anything else.

const LONGEST = 60000; // milliseconds, more than a server takes that has just started; then what there is is shown
const STILL = 2; // frames in a row without anything to come

export function arrival(data) {
  const there = (selector) => document.querySelector(selector) !== null;
  const complete = () => there(data.finished) && there(data.shown) && !there(data.coming);
  const root = document.documentElement;
  let still = 0;
  const look = () => {
    still = complete() ? still + 1 : 0;
    if (still > STILL || performance.now() > LONGEST) root.classList.remove("arriving");
    else requestAnimationFrame(look);
  };
  root.classList.add("arriving");
  look();
}
