// What the pictures of attention share: colours, and cells as an image of a pixel each.

/** From weight to colour, 0 to 1, and the weights that a legend names. */
const SCALES = {
  linear: { colour: (weight) => weight, ticks: [0, 0.25, 0.5, 0.75, 1] },
  "square root": { colour: Math.sqrt, ticks: [0, 0.1, 0.25, 0.5, 1] },
  logarithm: { colour: (weight) => 1 + Math.log10(Math.max(weight, 1e-3)) / 3, ticks: [0.001, 0.01, 0.1, 1] },
};

/** 256 colours between the evenly spaced stops of a scale, as [r, g, b]. */
function ramp(stops) {
  const rgb = stops.map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
  return Array.from({ length: 256 }, (_, value) => {
    const place = (value / 255) * (rgb.length - 1);
    const low = Math.min(Math.floor(place), rgb.length - 2);
    return rgb[low].map((from, i) => from + (rgb[low + 1][i] - from) * (place - low));
  });
}

/** The bytes of a base64 text. */
function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Colour a canvas of a pixel a cell; `level(cell)` is the place of a cell's colour on the ramp, 0 to 255. */
function cells(canvas, rows, columns, colours, level) {
  const pixels = Uint32Array.from(colours, ([red, green, blue]) =>
    new Uint32Array(Uint8Array.of(red + 0.5, green + 0.5, blue + 0.5, 255).buffer)[0],
  );
  const image = new ImageData(columns, rows);
  const out = new Uint32Array(image.data.buffer);
  for (let cell = 0; cell < out.length; cell++) out[cell] = pixels[level(cell)];
  resize(canvas, columns, rows);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Set the pixels of a canvas, which also empties it; a canvas of the same size is faster emptied than made anew. */
function resize(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) {
    const context = canvas.getContext("2d");
    context.resetTransform();
    context.clearRect(0, 0, width, height);
  } else Object.assign(canvas, { width, height });
}
