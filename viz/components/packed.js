// Numbers as they travel: base64 of bytes, little-endian. What has not travelled is taken as it is.

/** Whole numbers from 0 to 255. */
export function bytes(packed) {
  if (typeof packed !== "string") return packed;
  const text = atob(packed);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < found.length; i++) found[i] = text.charCodeAt(i);
  return found;
}

/** Weights from 0 to 1, sent as two bytes each. */
export function weights(packed) {
  if (typeof packed !== "string") return packed;
  return Float32Array.from(new Uint16Array(bytes(packed).buffer), (weight) => weight / 65535);
}

/** Any numbers, sent as float32. */
export function floats(packed) {
  return new Float32Array(bytes(packed).buffer);
}

/** Bytes that were deflated. */
export async function inflated(packed) {
  const stream = new Blob([bytes(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Of `n` weights in 4095ths, the upper eight bits of each first and then the other four, those from `begin` to `end`. */
export function twelveBits(planes, n, begin, end) {
  return Float32Array.from({ length: end - begin }, (_, i) => {
    const at = begin + i;
    const lower = planes[n + (at >> 1)] >> (4 * (at & 1));
    return ((planes[at] << 4) | (lower & 15)) / 4095;
  });
}
