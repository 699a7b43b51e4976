import type { Attributes, InputFact } from "../ir/index.ts";
import {
  allocate,
  DTYPES,
  dtypeFromOnnx,
  fromNumbers,
  scalar,
  sizeOf,
  stridesOf,
  type Tensor,
  type TypedArray,
  tensor,
  toInts,
  toNumbers,
} from "../tensor/index.ts";
import { cast } from "./arithmetic.ts";
import type { DimensionCodes } from "./dimensions.ts";
import { windowOf } from "./windows.ts";

/** Largest value that is made from its shape alone, in elements: 64 KiB of float32. Larger ones stay a node. */
const mostElements = 2 ** 14;

type Facts = readonly (InputFact | null)[];
type Generator = (attrs: Attributes, facts: Facts, codes: DimensionCodes) => Tensor | null;

/** ONNX Shape-15: the sizes from `start` to `end`, both clamped. */
const shape: Generator = (attrs, [x], codes) => {
  if (x === null || x === undefined) return null;
  const { length } = x.type.shape;
  const bound = (value: unknown, fallback: number) => {
    const given = typeof value === "number" ? value : fallback;
    return Math.min(Math.max(given < 0 ? given + length : given, 0), length);
  };
  return codes.encode(x.type.shape.slice(bound(attrs.start, 0), bound(attrs.end, length)));
};

const size: Generator = (_, [x]) => {
  if (x === null || x === undefined || x.type.shape.some((dim) => typeof dim === "string")) return null;
  return fromNumbers("int64", [], [sizeOf(x.type.shape as readonly number[])]);
};

/** ONNX ConstantOfShape-9: `value` (one element, default float32 0) everywhere. */
const constantOfShape: Generator = (attrs, [wanted]) => {
  if (wanted?.data === undefined) return null;
  const dims = toInts(wanted.data);
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0) || !(sizeOf(dims) <= mostElements)) return null;
  const value = (attrs.value ?? scalar("float32", 0)) as Tensor;
  if (typeof value !== "object" || value.data.length !== 1) return null;
  const data = allocate(value.dtype, sizeOf(dims));
  (data as TypedArray).fill(value.data[0] as never);
  return tensor(value.dtype, dims, data);
};

/** ONNX Range-11: from `start` to below `limit` by `delta`. */
const range: Generator = (_, [start, limit, delta]) => {
  if (start?.data === undefined || limit?.data === undefined || delta?.data === undefined) return null;
  const [from, to, step] = [start.data, limit.data, delta.data].map((t) => toNumbers(t)[0]);
  if (from === undefined || to === undefined || step === undefined || step === 0) return null;
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!(count <= mostElements)) return null;
  return fromNumbers(
    start.data.dtype,
    [count],
    Array.from({ length: count }, (_, i) => from + i * step),
  );
};

/** ONNX EyeLike-9: ones on diagonal k of a matrix as large as the input, of its dtype or of `dtype`. */
const eyeLike: Generator = (attrs, [x]) => {
  const [rows, columns] = x?.type.shape ?? [];
  if (typeof rows !== "number" || typeof columns !== "number" || rows * columns > mostElements) return null;
  const dtype = typeof attrs.dtype === "number" ? dtypeFromOnnx(attrs.dtype) : x!.type.dtype;
  const k = typeof attrs.k === "number" ? attrs.k : 0;
  if (dtype === null || x!.type.shape.length !== 2) return null;
  const ones = Array.from({ length: rows * columns }, (_, i) => Number((i % columns) - Math.floor(i / columns) === k));
  return fromNumbers(dtype, [rows, columns], ones);
};

/** ONNX NonZero-13 of a constant: the positions that are not zero, a column each. */
const nonZero: Generator = (_, [x]) => {
  if (x?.data === undefined || x.data.data.length > mostElements || x.data.shape.length === 0) return null;
  const strides = stridesOf(x.data.shape);
  const found = [...toNumbers(x.data).entries()].flatMap(([at, value]) => (value !== 0 ? [at] : []));
  const positions = x.data.shape.flatMap((dim, axis) => found.map((at) => Math.floor(at / strides[axis]!) % dim));
  return fromNumbers("int64", [x.data.shape.length, found.length], positions);
};

/** A constant in the element type of a value that may be computed. */
const castLike: Generator = (_, [x, like]) =>
  x?.data === undefined || like === null || like === undefined ? null : cast(x.data, DTYPES[like.type.dtype].onnx);

const generators: Readonly<Record<string, Generator>> = {
  Shape: shape,
  Size: size,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  NonZero: nonZero,
  CastLike: castLike,
};

/** The value of a node that makes numbers from shapes (Shape, Size, ConstantOfShape, Range, EyeLike, window functions), as far as it is known. */
export function generatorOf(op: string, attrs: Attributes, facts: Facts, codes: DimensionCodes): Tensor | null {
  const generate = Object.hasOwn(generators, op) ? generators[op] : undefined; // a file may name an operator "constructor"
  return generate?.(attrs, facts, codes) ?? windowOf(op, attrs, facts);
}
