// Reads a code with the decoder that the page of the door ships, and prints what it says.
// Usage: node qr.mjs < rows of 0 and 1, one for each row of squares
import { readFileSync } from "node:fs";

import decodeQR from "../../static/vendor/qr/decode.js";

const SCALE = 6;
const QUIET = 4;
const rows = readFileSync(0, "utf8").trim().split("\n");
const side = (rows.length + 2 * QUIET) * SCALE;
const data = new Uint8ClampedArray(side * side * 4).fill(255);
rows.forEach((row, y) => [...row].forEach((square, x) => {
  if (square !== "1") return;
  for (let down = 0; down < SCALE; down += 1) {
    for (let right = 0; right < SCALE; right += 1) {
      const at = 4 * (((y + QUIET) * SCALE + down) * side + (x + QUIET) * SCALE + right);
      data.fill(0, at, at + 3);
    }
  }
}));
process.stdout.write(decodeQR({ width: side, height: side, data }));
