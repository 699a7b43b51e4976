import { EspalierError, withContext } from "../diagnostics/index.ts";
import type { Samples } from "./normalise.ts";

/** An array of a NumPy file (NEP 1, "A Simple File Format for NumPy Arrays"). */
export interface NpyArray {
  readonly dims: readonly number[];
  /** Row-major elements; 64-bit numbers are narrowed to 32 bits. */
  readonly data: Samples;
}

/** Most bytes of elements accepted: samples stay in memory, and a whole run must fit in 4 GiB. */
const MAX_BYTES = 1 << 30;
const MAX_RANK = 8;

interface ElementType {
  readonly bytes: number;
  readonly read: (bytes: Uint8Array, length: number) => Samples;
}

function reader<T extends Samples>(
  bytes: number,
  allocate: (length: number) => T,
  get: (view: DataView, at: number) => number,
): ElementType {
  return {
    bytes,
    read: (source, length) => {
      const view = new DataView(source.buffer, source.byteOffset, length * bytes);
      const out = allocate(length);
      for (let i = 0; i < length; i++) out[i] = get(view, i * bytes);
      return out;
    },
  };
}

const integers = (length: number) => new Int32Array(length);
const floats = (length: number) => new Float32Array(length);

/** Element types by NumPy's array-protocol code, little-endian. */
const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  "|u1": { bytes: 1, read: (source, length) => source.slice(0, length) },
  "|b1": { bytes: 1, read: (source, length) => source.slice(0, length) },
  "|i1": reader(
    1,
    (n) => new Int8Array(n),
    (v, at) => v.getInt8(at),
  ),
  "<i2": reader(
    2,
    (n) => new Int16Array(n),
    (v, at) => v.getInt16(at, true),
  ),
  "<u2": reader(2, integers, (v, at) => v.getUint16(at, true)),
  "<i4": reader(4, integers, (v, at) => v.getInt32(at, true)),
  "<i8": reader(8, integers, (v, at) => Number(v.getBigInt64(at, true))),
  "<f4": reader(4, floats, (v, at) => v.getFloat32(at, true)),
  "<f8": reader(8, floats, (v, at) => v.getFloat64(at, true)),
};

/**
 * Reads a `.npy` file. Sizes are checked against the bytes before memory is taken.
 * @throws EspalierError "input" on another format, pickled objects, Fortran order, or sizes that do not fit; `where` is the given name.
 */
export function parseNpy(file: Uint8Array, where: string): NpyArray {
  try {
    return parse(file);
  } catch (error) {
    throw withContext(error, where);
  }
}

function parse(file: Uint8Array): NpyArray {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (file.length < 12 || magic.some((byte, i) => file[i] !== byte))
    throw new EspalierError("input", "This is not a NumPy file", { hint: "Save it with numpy.save or numpy.savez." });
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  // Version 1 has a 16-bit header length, 2 and 3 a 32-bit one.
  const start = file[6] === 1 ? 10 : 12;
  const length = file[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > file.length || length > 65536)
    throw new EspalierError("input", `The header claims ${length} bytes, the file has ${file.length - start} left`);
  const header = new TextDecoder("latin1").decode(file.subarray(start, start + length));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (descr === undefined || shape === undefined)
    throw new EspalierError("input", "The header states no element type or no shape", {
      hint: "Structured and pickled arrays are not read: save plain numbers.",
    });
  if (/'fortran_order':\s*True/.test(header))
    throw new EspalierError("input", "The array is stored in Fortran order", {
      hint: "Save numpy.ascontiguousarray(x).",
    });
  const type = Object.hasOwn(ELEMENT_TYPES, descr) ? ELEMENT_TYPES[descr]! : null;
  if (type === null)
    throw new EspalierError("unsupported", `The element type ${JSON.stringify(descr)} is not read`, {
      hint: `Read are ${Object.keys(ELEMENT_TYPES).join(", ")}: convert with x.astype("float32"), for instance.`,
    });
  const dims = shape
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map(Number);
  const elements = dims.reduce((a, b) => a * b, 1);
  const bytes = elements * type.bytes;
  if (dims.length > MAX_RANK || dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0) || !(bytes <= MAX_BYTES))
    throw new EspalierError("input", `Shape (${shape}) of ${descr} is not accepted: at most ${MAX_BYTES} bytes`);
  if (file.length - start - length !== bytes)
    throw new EspalierError(
      "input",
      `Shape (${shape}) of ${descr} takes ${bytes} bytes, the file has ${file.length - start - length}`,
      { hint: "Download or copy it again." },
    );
  return { dims, data: type.read(file.subarray(start + length), elements) };
}
