// An SVG becomes a PNG here in the browser, and is saved with a note on what it was made from.

import { noted } from "./png.js";

const PIXELS = 2; // for each of the SVG's own
const LONGEST = 16384; // the longest side of a canvas that all browsers have

async function rasterised(svg) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    await image.decode();
    const pixels = Math.min(PIXELS, LONGEST / Math.max(image.naturalWidth, image.naturalHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.naturalWidth * pixels);
    canvas.height = Math.round(image.naturalHeight * pixels);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    if (!blob) throw new Error("the canvas is too large");
    return new Uint8Array(await blob.arrayBuffer());
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

async function save(data) {
  const parts = noted(await rasterised(data.svg), "Description", data.provenance);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "image/png" }));
  link.download = data.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The name of the file is in the data, and what the picture was made from, as text. */
export function save_png({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  const problem = parentElement.querySelector("p");
  button.onclick = async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      await save(data);
    } catch (error) {
      problem.textContent = `This browser could not make the PNG (${error.message}). Take the SVG instead.`;
      problem.hidden = false;
    }
    button.disabled = false;
  };
}
