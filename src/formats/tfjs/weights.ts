import { EspalierError } from "../../diagnostics/index.ts";
import { fromBytes, fromHalfBits, fromNumbers, sizeOf, type Tensor, type TypedArray } from "../../tensor/index.ts";
import type { WeightGroup, WeightSpec } from "./schema.ts";

/** Bytes of an element as stored; strings have none fixed. */
const storedBytes: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

/** Tensors by name, decoded when they are asked for. */
export interface Weights {
  readonly names: ReadonlySet<string>;
  /** The tensor, or null when the model has none of that name. Quantised ones are converted to their original type. */
  get(name: string): Tensor | null;
}

interface Stored {
  readonly spec: WeightSpec;
  readonly bytes: Uint8Array;
}

function refuse(message: string, spec?: WeightSpec): never {
  throw new EspalierError("input", message, {
    ...(spec === undefined ? {} : { where: `weight "${spec.name}"` }),
    hint: "Check that model.json and its weight files belong together and were copied whole.",
  });
}

/** The shards of a group as one run of bytes (a view where there is a single shard). */
function joined(group: WeightGroup, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts = group.paths.map((path) => {
    const part = files.get(path);
    if (part === undefined)
      throw new EspalierError("input", `The weight file ${JSON.stringify(path)} is missing`, {
        hint: "Put the weight files next to model.json, where it names them.",
      });
    return part;
  });
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Stored strings are a 4-byte length and UTF-8 bytes each (TF.js, tfjs-core io_utils encodeTensors). */
function stringBytes(spec: WeightSpec, bytes: Uint8Array, from: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = from;
  for (let i = 0; i < sizeOf(spec.shape); i++) {
    if (at + 4 > bytes.length) refuse(`The weight files end inside string ${i}`, spec);
    at += 4 + view.getUint32(at, true);
  }
  return at - from;
}

function lengthOf(spec: WeightSpec, bytes: Uint8Array, from: number): number {
  if (spec.dtype === "string") return stringBytes(spec, bytes, from);
  const dtype = spec.quantization?.dtype ?? spec.dtype;
  const each = Object.hasOwn(storedBytes, dtype) ? storedBytes[dtype] : undefined;
  if (each === undefined)
    throw new EspalierError("unsupported", `Weights of type ${dtype} are not supported`, {
      where: `weight "${spec.name}"`,
      hint: `Supported: ${Object.keys(storedBytes).join(", ")}.`,
    });
  return sizeOf(spec.shape) * each;
}

/** Where each tensor of a group lies. */
function locate(group: WeightGroup, bytes: Uint8Array, stored: Map<string, Stored>): void {
  let at = 0;
  for (const spec of group.weights) {
    const length = lengthOf(spec, bytes, at);
    if (at + length > bytes.length)
      refuse(`The weight needs bytes ${at} to ${at + length} of its files, which have ${bytes.length}`, spec);
    if (stored.has(spec.name)) refuse("Two weights have this name", spec);
    stored.set(spec.name, { spec, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  if (at !== bytes.length)
    refuse(`The files ${group.paths.join(", ")} have ${bytes.length} bytes, their weights need ${at}`);
}

/** uint8 and uint16 stand for q * scale + min, float16 for its bits (TF.js, tfjs-core io_utils decodeWeights). */
function dequantized(
  spec: WeightSpec,
  quantization: NonNullable<WeightSpec["quantization"]>,
  bytes: Uint8Array,
): Tensor {
  const dtype = spec.dtype === "int32" ? "int32" : "float32";
  if (spec.dtype !== dtype) refuse(`A weight of type ${spec.dtype} cannot be quantised`, spec);
  const stored: TypedArray =
    quantization.dtype === "uint8" ? bytes : new Uint16Array(new Uint8Array(bytes).buffer as ArrayBuffer);
  if (quantization.dtype === "float16") {
    if (dtype !== "float32") refuse("A weight stored as float16 must be float32", spec);
    return fromNumbers("float32", spec.shape, Float32Array.from(stored as Uint16Array, fromHalfBits));
  }
  const { scale, min } = quantization;
  if ((quantization.dtype !== "uint8" && quantization.dtype !== "uint16") || scale === undefined || min === undefined)
    refuse(
      `The quantisation ${JSON.stringify(quantization)} is not one of uint8, uint16 (with scale and min), float16`,
      spec,
    );
  const values = new Float32Array(dtype === "float32" ? stored.length : 0);
  if (dtype === "float32") {
    for (let i = 0; i < stored.length; i++) values[i] = (stored[i] as number) * scale + min;
    return { dtype, shape: spec.shape, data: values };
  }
  return fromNumbers(
    "int32",
    spec.shape,
    Array.from(stored as Uint8Array, (q) => Math.round(q * scale + min)),
  );
}

function decode({ spec, bytes }: Stored): Tensor {
  if (spec.quantization !== null && spec.quantization !== undefined) return dequantized(spec, spec.quantization, bytes);
  switch (spec.dtype) {
    case "float32":
      return fromBytes("float32", spec.shape, bytes);
    case "int32":
      return fromBytes("int32", spec.shape, bytes);
    case "uint8":
    case "uint16":
      return fromNumbers(
        "int32",
        spec.shape,
        spec.dtype === "uint8" ? bytes : new Uint16Array(new Uint8Array(bytes).buffer),
      );
    case "bool":
      return fromNumbers(
        "bool",
        spec.shape,
        Array.from(bytes, (byte) => (byte === 0 ? 0 : 1)),
      );
    case "float16": {
      const bits = new Uint16Array(new Uint8Array(bytes).buffer);
      return fromNumbers("float32", spec.shape, Float32Array.from(bits, fromHalfBits));
    }
    default:
      throw new EspalierError("unsupported", "The weight holds strings, which no device target computes with", {
        where: `weight "${spec.name}"`,
      });
  }
}

/** Locates every tensor of the manifest in its files; all sizes are checked here, before anything is decoded. */
export function openWeights(manifest: readonly WeightGroup[], files: ReadonlyMap<string, Uint8Array>): Weights {
  const stored = new Map<string, Stored>();
  for (const group of manifest) locate(group, joined(group, files), stored);
  return {
    names: new Set(stored.keys()),
    get: (name) => {
      const found = stored.get(name);
      return found === undefined ? null : decode(found);
    },
  };
}
