// Numbers as they travel: base64 of bytes, little-endian.

/** Whole numbers from 0 to 255. */
export function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Weights from 0 to 1, sent as two bytes each. */
export function weights(text) {
  return Float32Array.from(new Uint16Array(bytes(text).buffer), (weight) => weight / 65535);
}

/** Any numbers, sent as float32. */
export function floats(text) {
  return new Float32Array(bytes(text).buffer);
}
