import { EspalierError, withContext } from "../diagnostics/index.ts";
import { gunzipExactly, gunzipHead, isGzip } from "../io/gzip.ts";
import { readInputFile } from "../io/read.ts";
import type { Samples } from "./normalise.ts";

/** An IDX array: the format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist/, "the IDX file format"). */
export interface IdxArray {
  readonly dims: readonly number[];
  /** Row-major elements; 64-bit floats are narrowed to 32 bits. */
  readonly data: Samples;
}

interface ElementType {
  readonly bytes: number;
  readonly read: (bytes: Uint8Array, offset: number, length: number) => Samples;
}

/** Elements are big-endian. */
function reader<T extends Samples>(
  bytes: number,
  allocate: (length: number) => T,
  get: (view: DataView, at: number) => number,
): ElementType {
  return {
    bytes,
    read: (source, offset, length) => {
      const view = new DataView(source.buffer, source.byteOffset + offset, length * bytes);
      const out = allocate(length);
      for (let i = 0; i < length; i++) out[i] = get(view, i * bytes);
      return out;
    },
  };
}

/** The third byte of the magic number names the element type. */
const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [0x08, { bytes: 1, read: (source, offset, length) => source.subarray(offset, offset + length) }],
  [
    0x09,
    reader(
      1,
      (n) => new Int8Array(n),
      (view, at) => view.getInt8(at),
    ),
  ],
  [
    0x0b,
    reader(
      2,
      (n) => new Int16Array(n),
      (view, at) => view.getInt16(at),
    ),
  ],
  [
    0x0c,
    reader(
      4,
      (n) => new Int32Array(n),
      (view, at) => view.getInt32(at),
    ),
  ],
  [
    0x0d,
    reader(
      4,
      (n) => new Float32Array(n),
      (view, at) => view.getFloat32(at),
    ),
  ],
  [
    0x0e,
    reader(
      8,
      (n) => new Float32Array(n),
      (view, at) => view.getFloat64(at),
    ),
  ],
]);

/** Most bytes one IDX file may hold: samples stay in memory, and a whole run must fit in 4 GiB. */
export const MAX_IDX_BYTES = 1 << 30;

/** MNIST-like data has 1 to 4 dimensions; a header that claims more is damaged. */
const MAX_RANK = 8;

/** Reads an IDX array, plain or gzip. Sizes are checked against the bytes before memory is taken. Throws EspalierError "input". */
export function parseIdx(file: Uint8Array, maxBytes: number = MAX_IDX_BYTES): IdxArray {
  const zipped = isGzip(file);
  const head = zipped ? gunzipHead(file) : file;
  const { type, dims, offset } = parseHeader(head);
  const elements = dims.reduce((a, b) => a * b, 1);
  const expected = offset + elements * type.bytes;
  if (expected > maxBytes) {
    throw new EspalierError(
      "input",
      `The header claims [${dims.join(", ")}], ${expected} bytes; at most ${maxBytes} are accepted`,
      {
        hint: "Use fewer samples.",
      },
    );
  }
  if (!zipped && file.length !== expected) {
    const kind = file.length < expected ? "truncated" : "too long";
    throw new EspalierError(
      "input",
      `The file is ${kind}: ${file.length} bytes of ${expected} for [${dims.join(", ")}]`,
      {
        hint: "Download or copy it again.",
      },
    );
  }
  const bytes = zipped ? gunzipExactly(file, expected) : file;
  return { dims, data: type.read(bytes, offset, elements) };
}

/** `parseIdx` of a file, with its path in the errors. */
export async function readIdx(path: string, maxBytes: number = MAX_IDX_BYTES): Promise<IdxArray> {
  const bytes = await readInputFile(path, { what: "IDX file", maxBytes });
  try {
    return parseIdx(bytes, maxBytes);
  } catch (error) {
    throw withContext(error, path);
  }
}

function parseHeader(head: Uint8Array): { type: ElementType; dims: number[]; offset: number } {
  if (head.length < 4) {
    throw new EspalierError("input", `An IDX file starts with 4 bytes of magic number, this one has ${head.length}`);
  }
  const type = ELEMENT_TYPES.get(head[2]!);
  const rank = head[3]!;
  if (head[0] !== 0 || head[1] !== 0 || type === undefined || rank < 1 || rank > MAX_RANK) {
    const magic = Array.from(head.subarray(0, 4), (b) => b.toString(16).padStart(2, "0")).join(" ");
    throw new EspalierError(
      "input",
      `The magic number is ${magic}, an IDX file has 00 00, an element type (08, 09, 0b to 0e) and a rank`,
      {
        hint: "Give the IDX file itself, plain or as .gz.",
      },
    );
  }
  const offset = 4 + 4 * rank;
  if (head.length < offset) {
    throw new EspalierError("input", `The header of rank ${rank} needs ${offset} bytes, the file has ${head.length}`, {
      hint: "Download or copy it again.",
    });
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  return { type, dims, offset };
}
