// What the pictures of attention share: a sharp canvas, and cells as an image of a pixel each.

/** Colour a canvas of a pixel a cell; `level(cell)` is the number of a cell's colour on the ramp, 0 to 255. */
export function cells(canvas, rows, columns, colours, level) {
  const pixels = Uint32Array.from(
    colours,
    ([red, green, blue]) => new Uint32Array(Uint8Array.of(red + 0.5, green + 0.5, blue + 0.5, 255).buffer)[0],
  );
  const image = new ImageData(columns, rows);
  const out = new Uint32Array(image.data.buffer);
  for (let cell = 0; cell < out.length; cell++) out[cell] = pixels[level(cell)];
  resize(canvas, columns, rows);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Empty a canvas and make it as sharp as the screen; its context then counts in CSS pixels. */
export function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

/** Set the pixels of a canvas, which also empties it; a canvas of the same size is faster emptied than made anew. */
function resize(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) {
    const context = canvas.getContext("2d");
    context.resetTransform();
    context.clearRect(0, 0, width, height);
  } else Object.assign(canvas, { width, height });
}
