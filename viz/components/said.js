// Words that follow the text.

import { leave, part } from "./followed.js";

export function said({ data, parentElement }) {
  const place = parentElement.querySelector(".said");
  part(place, data.name, (html) => (place.innerHTML = html)); // by the server, every token in it escaped
  return () => leave(place);
}
