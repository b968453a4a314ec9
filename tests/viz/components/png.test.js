import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { crc32 } from "node:zlib";

import { crc, noted, textChunk } from "../../../viz/components/png.js";

test("the check sum is zlib's", () => {
  for (const text of ["", "IEND", "A little girl 🔦"]) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(crc(bytes), crc32(bytes));
  }
});

test("a chunk has its length, its text and its check sum", () => {
  const chunk = Buffer.from(textChunk("Description", "für 🔦"));
  assert.equal(chunk.readUInt32BE(0), chunk.length - 12);
  assert.equal(chunk.toString("utf8", 4, chunk.length - 4), "iTXtDescription\0\0\0\0\0für 🔦");
  assert.equal(chunk.readUInt32BE(chunk.length - 4), crc32(chunk.subarray(4, -4)));
});

test("a note comes right after the header", () => {
  const file = Uint8Array.from({ length: 50 }, (_, i) => i);
  const [head, note, rest] = noted(file, "Description", "x");
  assert.deepEqual([head.length, rest.length], [33, 17]);
  assert.deepEqual(note, textChunk("Description", "x"));
});
