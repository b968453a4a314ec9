// Where the browser turns dark or light while a page is open, the server draws it anew: figures come in its colours.

const AFTER = 100; // milliseconds, in which Streamlit has turned too; what it asks the server then says so

const dark = window.matchMedia("(prefers-color-scheme: dark)");
let tell;

export function scheme({ setTriggerValue }) {
  if (!tell) dark.addEventListener("change", () => setTimeout(() => tell("turned", dark.matches), AFTER));
  tell = setTriggerValue;
}
