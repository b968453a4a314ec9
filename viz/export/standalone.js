"use strict";
const drawing = document.querySelector("svg");
const tip = document.querySelector(".tip");
const tables = JSON.parse(document.getElementById("tables").textContent);

/** What the picture says at a place on the page; null where it says nothing. */
function said(event) {
  const line = event.target.closest?.(".line");
  if (line) return [line.querySelector("title").textContent];
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
  for (const table of tables) {
    const row = Math.floor(((y - table.y) / table.height) * table.rows.length);
    const column = Math.floor(((x - table.x) / table.width) * table.columns.length);
    const value = table.values[row]?.[column];
    if (value === undefined) continue;
    const [query, key] = [table.rows[row], table.columns[column]];
    return [
      table.what === "measure" ? `${query} ${key}` : `from “${query}” to “${key}”`,
      `${table.name} ${value === null ? "undefined" : value.toFixed(3)}`,
    ];
  }
  return null;
}

drawing.addEventListener("pointermove", (event) => {
  const lines = said(event);
  tip.hidden = lines === null;
  if (lines === null) return;
  tip.replaceChildren(
    ...lines.map((text) => {
      const part = document.createElement("div");
      part.textContent = text;
      return part;
    }),
  );
  tip.style.left = `${Math.max(0, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, Math.min(event.clientY + 16, innerHeight - tip.offsetHeight))}px`;
});
drawing.addEventListener("pointerleave", () => {
  tip.hidden = true;
});
