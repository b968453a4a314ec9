// A page that loses its server takes up where it was. What was typed goes into the address when the connection breaks,
// and once there is a server again the page is drawn as the address says.
//
// Streamlit forgets what a field has not sent by then, and leaves a page alone whose last run was complete: after a
// restart the server would know nothing of it, and answer nothing that it asks.

const INSTALLED = Symbol.for("headlight.connection");

/**
 * The address with these texts in it, by their parameters. It names no part of the page any more: with one, Streamlit
 * takes Back for a move within the page.
 */
export function withTexts(href, texts) {
  const url = new URL(href);
  for (const [name, text] of texts) url.searchParams.set(name, text);
  url.hash = "";
  return url.href;
}

function install(window, data) {
  if (window[INSTALLED]) return;
  window[INSTALLED] = true;
  const { document, history, location } = window;
  const { fields } = data;
  const root = document.querySelector(data.app);
  const typed = new Set(); // parameters whose fields were typed in
  let [state, focused] = ["here", null];

  // As Back in the browser does: the address decides.
  const followAddress = () => window.dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
  const leave = () => {
    const found = [...typed].map((name) => [name, document.querySelector(fields[name])]).filter(([, field]) => field);
    const texts = found.map(([name, field]) => [name, field.value]);
    history.replaceState(history.state, "", withTexts(location.href, texts));
    focused?.blur(); // nobody types until the page is drawn again, which would take it back
    followAddress(); // whatever Streamlit asks of the next server, it asks for this address
  };
  const typeOn = () => document.activeElement === document.body && focused?.focus();
  const look = () => {
    const { testConnectionState, testScriptState } = root.dataset;
    const running = testScriptState === "running";
    if (testConnectionState !== "CONNECTED") {
      if (state !== "gone") leave();
      state = "gone";
    } else if (state === "gone") {
      state = "back";
      followAddress();
    } else if (state === "back" && running) state = "drawing";
    else if (state === "drawing" && !running) {
      state = "here";
      typeOn();
    }
  };

  const note = ({ target }) => {
    for (const [name, field] of Object.entries(fields)) if (target.matches?.(field)) typed.add(name);
    focused = target;
  };
  const blur = ({ target }) => {
    if (!target.disabled) focused = null; // a field that is disabled while the server is away was not left
  };
  document.addEventListener("input", note, { capture: true });
  document.addEventListener("focusout", blur, { capture: true });
  new MutationObserver(look).observe(root, {
    attributeFilter: ["data-test-connection-state", "data-test-script-state"],
  });
}

export function connection({ data, parentElement }) {
  install(parentElement.ownerDocument?.defaultView ?? window, data);
}
