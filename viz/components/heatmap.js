// A heatmap that follows the text.

import { leave, part } from "./followed.js";
import { head } from "./head.js";

export function heatmap({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".head-map");
  part(place, data.name, (shown) => {
    place.hidden = shown === null; // of this text there is none
    if (shown) head({ data: shown, parentElement, setTriggerValue });
  });
  return () => leave(place);
}
