import { EspalierError } from "../diagnostics/index.ts";
import { DTYPES, type DType, type DTypeArray, type TypedArray } from "./dtype.ts";
import { fromHalfBits, toHalfBits } from "./half.ts";

/** A dense tensor in row-major order. `data.length` equals the product of `shape`. float16 holds bit patterns, bool holds 0 or 1. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: DTypeArray<D>;
}

/** Number of elements of a static shape (1 for a scalar). */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

/** Wraps data without copying; refuses a length that does not fit the shape. */
export function tensor<D extends DType>(dtype: D, shape: readonly number[], data: DTypeArray<D>): Tensor<D> {
  if (data.length !== sizeOf(shape)) {
    throw new EspalierError(
      "internal",
      `internal: tensor of shape [${shape.join(", ")}] needs ${sizeOf(shape)} elements, got ${data.length}`,
    );
  }
  return { dtype, shape, data };
}

/** A float32 tensor from numbers. */
export function float32(shape: readonly number[], values: ArrayLike<number>): Tensor<"float32"> {
  return tensor("float32", shape, values instanceof Float32Array ? values : Float32Array.from(values));
}

/** A one-dimensional int64 tensor (ONNX's type for shapes, axes and pads). */
export function int64s(values: readonly number[]): Tensor<"int64"> {
  return tensor("int64", [values.length], BigInt64Array.from(values.map((v) => BigInt(v))));
}

/** A zero-dimensional tensor. */
export function scalar(dtype: DType, value: number): Tensor {
  return fromNumbers(dtype, [], [value]);
}

/** A zeroed array of the dtype's storage type. */
export function allocate<D extends DType>(dtype: D, length: number): DTypeArray<D> {
  return new (DTYPES[dtype].array as unknown as new (n: number) => DTypeArray<D>)(length);
}

/** Converts plain numbers into any dtype (float16 is encoded, integers are truncated by the array type). */
export function fromNumbers<D extends DType>(dtype: D, shape: readonly number[], values: ArrayLike<number>): Tensor<D> {
  const data = allocate(dtype, values.length);
  const target = data as TypedArray;
  if (target instanceof BigInt64Array || target instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) target[i] = BigInt(values[i]!);
  } else if (dtype === "float16") {
    for (let i = 0; i < values.length; i++) target[i] = toHalfBits(values[i]!);
  } else {
    for (let i = 0; i < values.length; i++) target[i] = values[i]!;
  }
  return tensor(dtype, shape, data);
}

/** The elements as doubles (64-bit integers beyond 2^53 lose precision; float16 is decoded). */
export function toNumbers(t: Tensor): Float64Array {
  const out = new Float64Array(t.data.length);
  const data = t.data as TypedArray;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
  } else if (t.dtype === "float16") {
    for (let i = 0; i < out.length; i++) out[i] = fromHalfBits(data[i] as number);
  } else {
    for (let i = 0; i < out.length; i++) out[i] = data[i] as number;
  }
  return out;
}

/** The elements as integers, for shapes, axes and the like. */
export function toInts(t: Tensor): number[] {
  return Array.from(toNumbers(t));
}

/** float32 data of a floating tensor; float32 is returned as it is, others are converted. */
export function toFloat32(t: Tensor): Float32Array {
  return t.data instanceof Float32Array ? t.data : Float32Array.from(toNumbers(t));
}

/** Little-endian bytes of the elements (a view, not a copy). */
export function bytesOf(t: Tensor): Uint8Array {
  return new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength);
}

/** A tensor over a copy of little-endian bytes; refuses a length that does not fit. */
export function fromBytes<D extends DType>(dtype: D, shape: readonly number[], bytes: Uint8Array): Tensor<D> {
  const expected = sizeOf(shape) * DTYPES[dtype].bytes;
  if (bytes.byteLength !== expected) {
    throw new EspalierError(
      "input",
      `A ${dtype} tensor of shape [${shape.join(", ")}] needs ${expected} bytes, got ${bytes.byteLength}`,
    );
  }
  const copy = new Uint8Array(bytes); // a copy, also of a Buffer, whose slice() is a view
  return tensor(
    dtype,
    shape,
    new (DTYPES[dtype].array as unknown as new (b: ArrayBufferLike) => DTypeArray<D>)(copy.buffer),
  );
}
