import { EspalierError } from "../../diagnostics/index.ts";

/** Bounds of a model.json: far above every model met (the largest has 1 MB, depth 20), far below what would exhaust memory. */
const most = { bytes: 128 * 2 ** 20, depth: 200, items: 4_000_000 };

const quote = 0x22;
const backslash = 0x5c;
const openers = new Set([0x5b, 0x7b]);
const closers = new Set([0x5d, 0x7d]);
const separators = new Set([0x2c, 0x3a]);

function refuse(message: string): never {
  throw new EspalierError("input", message, {
    hint: "Check that the file is the model.json of a TensorFlow.js model.",
  });
}

/** Refuses nesting and item counts above the bounds, in one pass over the bytes and without recursion. */
function checkStructure(bytes: Uint8Array): void {
  let depth = 0;
  let items = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (openers.has(byte)) {
      items++;
      depth++;
      if (depth > most.depth) refuse(`The JSON is nested deeper than ${most.depth} levels`);
    } else if (closers.has(byte)) depth--;
    else if (separators.has(byte)) items++;
  }
  if (items > most.items) refuse(`The JSON holds more than ${most.items} items`);
}

/** The value of UTF-8 JSON of bounded size, depth and item count. Throws EspalierError "input" for anything else. */
export function parseBoundedJson(bytes: Uint8Array): unknown {
  if (bytes.length > most.bytes) refuse(`The JSON has ${bytes.length} bytes, at most ${most.bytes} are accepted`);
  checkStructure(bytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new EspalierError("input", "This is not JSON, or it is truncated", {
      hint: "Check that the file is the model.json of a TensorFlow.js model and was copied whole.",
      cause,
    });
  }
}
