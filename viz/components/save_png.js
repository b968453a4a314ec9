// An SVG becomes a PNG here in the browser, and is saved with a note on what it was made from.

const PIXELS = 2; // for each of the SVG's own
const LONGEST = 16384; // the longest side of a canvas that all browsers have
const HEADER = 33; // bytes of a PNG before its second chunk

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** The check sum of a PNG's chunk (PNG 1.2, section 3.4). */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** A chunk of international text (PNG 1.2, section 4.2.3.3). */
function textChunk(keyword, text) {
  const body = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return chunk;
}

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

async function save({ svg, provenance, name }) {
  const png = await rasterised(svg);
  const parts = [png.subarray(0, HEADER), textChunk("Description", provenance), png.subarray(HEADER)];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "image/png" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  const problem = parentElement.querySelector("p");
  button.onclick = async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      await save(data);
    } catch (error) {
      problem.textContent = `This browser could not make the PNG (${error.message}). Take the SVG.`;
      problem.hidden = false;
    }
    button.disabled = false;
  };
}
