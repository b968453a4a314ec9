// What a person does in a large heatmap, with a mouse, a finger or keys.

import { between, cellAt, STRIP } from "./head_geometry.js";
import { joined, stretched } from "./head_rows.js";

const DRAG_FROM = 6; // pixels; less is a click
const LONG = 500; // milliseconds that a touch must last to add a row

/** The cell under the pointer; null outside. */
function pointed(map, event) {
  const box = map.svg.getBoundingClientRect();
  return cellAt(map.place, map.view, event.clientX - box.left, event.clientY - box.top);
}

/** Add a row to those that are chosen, or leave it out; where only one can be, choose it. */
function join(map, row) {
  const { pinned, together } = map.data;
  if (together === null) return map.choose(row === pinned ? null : row);
  const next = joined({ pinned, together }, row);
  map.choose(next.row, next.together);
}

/** What a pointer and keys do in the picture: `point` says what a cell holds, `looks` shows a part of it. */
export function listen(map, { point, looks }) {
  let began = null; // where a box begins
  let touched = Infinity; // when
  const { svg: area, box } = map;
  area.onpointerdown = (event) => {
    if (event.pointerType === "touch") touched = event.timeStamp;
    else began = { event, cell: pointed(map, event) };
  };
  area.oncontextmenu = (event) => {
    if (touched < Infinity) event.preventDefault(); // a long touch asks for no menu here
  };
  area.onpointermove = (event) => {
    point(map, pointed(map, event));
    if (!began?.cell) return;
    const [from, rectangle] = [began.event, area.getBoundingClientRect()];
    const far = Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) >= DRAG_FROM;
    box.toggleAttribute("hidden", !far);
    const place = {
      x: Math.min(event.clientX, from.clientX) - rectangle.left,
      y: Math.min(event.clientY, from.clientY) - rectangle.top,
      width: Math.abs(event.clientX - from.clientX),
      height: Math.abs(event.clientY - from.clientY),
    };
    for (const [name, value] of Object.entries(place)) box.setAttribute(name, value);
  };
  area.onpointerup = (event) => {
    const cell = pointed(map, event);
    const drawn = !box.hasAttribute("hidden");
    box.toggleAttribute("hidden", true);
    const first = began?.cell;
    began = null;
    const long = event.timeStamp - touched >= LONG;
    touched = Infinity;
    if (cell && cell.row === STRIP) return;
    if (!drawn) {
      if (cell && (event.shiftKey || long)) join(map, cell.row);
      else if (cell) map.choose(cell.row === map.data.pinned && !map.mean ? null : cell.row);
    } else if (cell && cell.column !== null && first.column !== null && first.row !== STRIP)
      looks(map, between(first, cell));
  };
  area.onpointercancel = () => (touched = Infinity);
  area.onpointerleave = () => {
    began = null;
    box.toggleAttribute("hidden", true);
    point(map, null);
  };
  area.onkeydown = (event) => {
    const { rows, columns, pinned } = map.data;
    const row = { ArrowUp: (pinned ?? 0) - 1, ArrowDown: (pinned ?? -1) + 1, Home: 0, End: rows.length - 1 }[event.key];
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.shiftKey && step && map.data.together !== null) {
      const next = stretched(map.data, step, rows.length);
      map.choose(next.row, next.together);
    } else if (row !== undefined) {
      if (row >= 0 && row < rows.length && row !== pinned) map.choose(row);
    } else if (side) {
      const column = Math.max(0, Math.min(columns.length - 1, (map.at?.column ?? -1) + side));
      point(map, { row: map.mean ? STRIP : (pinned ?? map.at?.row ?? 0), column });
    } else if (event.key === "Escape") {
      point(map, null);
      if (map.mean) map.choose(pinned);
      else if (map.zoomed) looks(map, null);
    } else return;
    event.preventDefault();
  };
  area.onblur = () => point(map, null);
  map.whole.onclick = () => looks(map, null);
}
