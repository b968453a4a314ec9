// From weight to colour.

const DECADES = 3; // the logarithmic scale goes down to 10^-3; what is smaller has the colour of 0

/**
 * From weight to place on the colour scale, both from 0 to 1, and the weights that a legend names; a change from -1 to 1
 * comes as a weight.
 */
export const SCALES = {
  change: { place: (weight) => weight, ticks: [0, 0.25, 0.5, 0.75, 1], names: ["−1", "", "0", "", "+1"] },
  linear: { place: (weight) => weight, ticks: [0, 0.25, 0.5, 0.75, 1] },
  "square root": { place: Math.sqrt, ticks: [0, 0.1, 0.25, 0.5, 1] },
  logarithm: {
    place: (weight) => 1 + Math.log10(Math.max(weight, 10 ** -DECADES)) / DECADES,
    ticks: [0.001, 0.01, 0.1, 1],
  },
};

/** The colour of a weight as its number on the ramp, 0 to 255. */
export function level(weight, scale) {
  return Math.max(0, Math.round(255 * SCALES[scale].place(weight)));
}

/** 256 colours between the evenly spaced stops of a scale, as [r, g, b]. */
export function ramp(stops) {
  const rgb = stops.map(numbers);
  return Array.from({ length: 256 }, (_, value) => {
    const place = (value / 255) * (rgb.length - 1);
    const low = Math.min(Math.floor(place), rgb.length - 2);
    return rgb[low].map((from, i) => from + (rgb[low + 1][i] - from) * (place - low));
  });
}

/** The numbers of a colour "#rrggbb". */
const numbers = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

/** Black or white, whichever is easier to read on a colour [r, g, b] or "#rrggbb": at least 4.5 : 1 (WCAG 2.2). */
export function ink(colour) {
  const linear = (typeof colour === "string" ? numbers(colour) : colour).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? "#000000" : "#ffffff";
}
