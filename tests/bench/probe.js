// Runs in the page before its own scripts. window.probeParts says, by name, where that is shown which a
// keystroke changes. A part changes when nodes or text in it change, or when a canvas in it is drawn on; its time
// is the end of the frame that shows the change.
(() => {
  const parts = window.probeParts;
  let began = 0; // of the last key, when the browser took it
  let active = 0; // when anything last changed
  let pending = 0;
  let shownAt = {}; // by part, its last change since the key
  let resolveFirst;

  const frameShown = () =>
    new Promise((resolve) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel(); // its message comes right after the frame
        port1.onmessage = () => resolve(performance.now());
        port2.postMessage(0);
      }),
    );

  async function changed(name) {
    const key = began;
    active = performance.now();
    pending++;
    const time = await frameShown();
    pending--;
    if (key === began) shownAt[name] = Math.max(shownAt[name] ?? 0, time);
    if (Object.keys(parts).every(drawn)) resolveFirst(await seen(time));
  }

  /** The end of the first frame from `time` on in which the page is not hidden (viz/components/arrival.js). */
  async function seen(time) {
    while (document.documentElement.classList.contains("arriving")) time = await frameShown();
    return performance.timeOrigin + time;
  }

  function drawn(name) {
    const place = document.querySelector(parts[name]);
    return name === "overview" || name === "head" ? name in shownAt : Boolean(place?.textContent.trim());
  }

  /** What is shown was made from this text: the echo, or the tokens along the heatmap without `</s>`. */
  function shown() {
    if (parts.page) return document.activeElement.value; // which of its pictures has the text is not known
    if (parts.text) return document.querySelector(parts.text)?.textContent;
    const columns = document.querySelectorAll(`${parts.head} .column`);
    return [...columns]
      .slice(0, -1)
      .map((column) => column.textContent)
      .join("");
  }

  const inside = (node, name) =>
    (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest(parts[name]);
  new MutationObserver((records) => {
    const nodes = records.flatMap((record) => [record.target, ...record.addedNodes]);
    Object.keys(parts)
      .filter((name) => nodes.some((node) => inside(node, name)) || records.some((r) => addsPart(r, name)))
      .forEach(changed);
  }).observe(document, { childList: true, characterData: true, subtree: true });
  const addsPart = (record, name) => [...record.addedNodes].some((node) => node.querySelector?.(parts[name]));

  const drawImage = CanvasRenderingContext2D.prototype.drawImage;
  let drawing = false; // the many calls of one drawing count as one
  CanvasRenderingContext2D.prototype.drawImage = function (...args) {
    drawImage.apply(this, args);
    if (drawing) return;
    const root = this.canvas.getRootNode(); // a component has a shadow root
    const name = Object.keys(parts).find((part) => inside(root.host ?? this.canvas, part));
    if (!name) return;
    drawing = true;
    queueMicrotask(() => (drawing = false));
    changed(name);
  };

  addEventListener(
    "keydown",
    (event) => {
      began = event.timeStamp;
      shownAt = {};
    },
    { capture: true },
  );

  const bare = (text) => text?.replace(/[\s␣\u200b\u200c]/g, ""); // tokens are shown without some spaces, with marks
  window.probe = {
    /** When all parts were first shown, in milliseconds since 1970. */
    first: new Promise((resolve) => (resolveFirst = resolve)),

    /** Milliseconds from the last key until each part shows the field's text, once nothing changes for `idle` ms. */
    async settled(idle) {
      const text = document.activeElement.value;
      const needed = Object.keys(parts).filter((name) => name !== "translation"); // it may stay the same
      for (;;) {
        const quiet = !pending && performance.now() - active >= idle;
        if (quiet && needed.every((name) => name in shownAt) && bare(shown()) === bare(text))
          return Object.fromEntries(Object.entries(shownAt).map(([name, time]) => [name, time - began]));
        await new Promise((resolve) => setTimeout(resolve, Math.min(idle, 20)));
      }
    },
  };
})();
