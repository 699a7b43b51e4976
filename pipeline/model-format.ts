import { EspalierError } from "../src/diagnostics/index.ts";

/** The formats that Espalier reads. */
export type ModelFormat = "onnx" | "tflite" | "tfjs";

/** How each is called in text for people. */
export const FORMAT_NAMES: Readonly<Record<ModelFormat, string>> = {
  onnx: "ONNX",
  tflite: "TensorFlow Lite",
  tfjs: "TensorFlow.js",
};

/** Files that people have and Espalier does not read: their first bytes, what they are, and the way out. */
const FOREIGN: readonly { readonly magic: readonly number[]; readonly what: string; readonly hint: string }[] = [
  {
    magic: [0x89, 0x48, 0x44, 0x46],
    what: "an HDF5 file (Keras .h5)",
    hint: "Convert it with tensorflowjs_converter --input_format keras, or export it with tf2onnx or TFLiteConverter.",
  },
  {
    magic: [0x50, 0x4b, 0x03, 0x04],
    what: "a ZIP archive (Keras .keras, PyTorch .pt or .pth)",
    hint: "Export the model as ONNX: torch.onnx.export in PyTorch, tf2onnx for Keras.",
  },
  {
    magic: [0x80, 0x02],
    what: "a Python pickle (an older PyTorch .pt or .pth)",
    hint: "Export the model as ONNX with torch.onnx.export.",
  },
  { magic: [0x1f, 0x8b], what: "gzip-compressed", hint: "Unpack it first: gunzip FILE." },
];

function startsWith(bytes: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, i) => bytes[at + i] === byte);
}

/** "TFL3", the file identifier of TFLite's FlatBuffers, at offset 4. */
const TFLITE_IDENTIFIER = [0x54, 0x46, 0x4c, 0x33];

/**
 * The format of a file by its content. ONNX has no mark of its own: what is nothing else is given to its reader, which says
 * what is wrong. Throws EspalierError "input" for the files of other frameworks, with the way to export from them.
 */
export function formatOf(bytes: Uint8Array, path: string): ModelFormat {
  if (startsWith(bytes, TFLITE_IDENTIFIER, 4)) return "tflite";
  const foreign = FOREIGN.find(({ magic }) => startsWith(bytes, magic));
  if (foreign !== undefined)
    throw new EspalierError("input", `This is ${foreign.what}, which Espalier does not read`, {
      where: path,
      hint: foreign.hint,
    });
  return isJson(bytes) ? "tfjs" : "onnx";
}

/** Whether the text starts as a JSON object does, after a byte order mark and white space. */
function isJson(bytes: Uint8Array): boolean {
  let at = startsWith(bytes, [0xef, 0xbb, 0xbf]) ? 3 : 0;
  while (at < bytes.length && [0x20, 0x09, 0x0a, 0x0d].includes(bytes[at]!)) at += 1;
  if (bytes[at] !== 0x7b) return false;
  // 0x7b could also be a protobuf key; in JSON a string or the end follows.
  do at += 1;
  while (at < bytes.length && [0x20, 0x09, 0x0a, 0x0d].includes(bytes[at]!));
  return bytes[at] === 0x22 || bytes[at] === 0x7d;
}
