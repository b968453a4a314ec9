// What the pictures of attention share: colours, and cells as an image of a pixel each.

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

/** A canvas of a pixel a cell; `level(cell)` is the place of a cell's colour on the ramp, 0 to 255. */
function cells(rows, columns, colours, level) {
  const image = new ImageData(columns, rows);
  for (let cell = 0; cell < rows * columns; cell++) {
    const [red, green, blue] = colours[level(cell)];
    image.data.set([red, green, blue, 255], 4 * cell);
  }
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
