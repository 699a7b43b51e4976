import type { Attributes, InputFact } from "../ir/index.ts";
import {
  allocate,
  fromNumbers,
  scalar,
  sizeOf,
  type Tensor,
  type TypedArray,
  tensor,
  toInts,
  toNumbers,
} from "../tensor/index.ts";
import type { DimensionCodes } from "./dimensions.ts";

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
  if (dims.some((dim) => dim < 0) || sizeOf(dims) > mostElements) return null;
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

const generators: Readonly<Record<string, Generator>> = {
  Shape: shape,
  Size: size,
  ConstantOfShape: constantOfShape,
  Range: range,
};

/** The value of a node that makes numbers from shapes (Shape, Size, ConstantOfShape, Range), as far as it is known. */
export function generatorOf(op: string, attrs: Attributes, facts: Facts, codes: DimensionCodes): Tensor | null {
  return generators[op]?.(attrs, facts, codes) ?? null;
}
