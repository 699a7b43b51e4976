import { allocate, sizeOf, type Tensor, type TypedArray, takeAlong, tensor } from "../tensor/index.ts";
import type { Kept } from "./kept.ts";

/** The elements of a constant that a cut leaves, in row-major order. */
export function compact(t: Tensor, kept: Kept): Tensor {
  let result = t;
  for (const part of kept.parts) if (part.axes.length === 1) result = takeAlong(result, part.axes[0]!, part.flat);
  for (const part of kept.parts) if (part.axes.length > 1) result = takeGrid(result, part.axes, part.flat, kept);
  return result;
}

/** Keeps a rectangular but ragged choice over several axes: row r may keep other columns than row s. */
function takeGrid(t: Tensor, axes: readonly number[], flat: readonly number[], kept: Kept): Tensor {
  const dims = axes.map((axis) => t.shape[axis]!);
  const mask = new Uint8Array(sizeOf(dims));
  for (const position of flat) mask[position] = 1;
  const shape = t.shape.map((size, axis) => (axes.includes(axis) ? kept.sizes.get(axis)! : size));
  const data = allocate(t.dtype, sizeOf(shape));
  const source = t.data as TypedArray;
  const target = data as TypedArray;
  const weights = new Array<number>(t.shape.length).fill(0);
  let step = 1;
  for (let d = axes.length - 1; d >= 0; d--) {
    weights[axes[d]!] = step;
    step *= dims[d]!;
  }
  const index = new Array<number>(t.shape.length).fill(0);
  let cell = 0;
  let at = 0;
  for (let from = 0; from < source.length; from++) {
    if (mask[cell] === 1) target[at++] = source[from] as never;
    for (let axis = t.shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      cell += weights[axis]!;
      if (index[axis]! < t.shape[axis]!) break;
      cell -= weights[axis]! * t.shape[axis]!;
      index[axis] = 0;
    }
  }
  return tensor(t.dtype, shape, data);
}

const zeros = { buffer: new ArrayBuffer(0) };

/** A constant of the shape that a cut leaves whose elements are all zero and shared: for figures that need shapes only. */
export function shapeOnly(t: Tensor, kept: Kept): Tensor {
  const shape = t.shape.map((size, axis) => kept.sizes.get(axis) ?? size);
  const array = t.data as TypedArray;
  const bytes = sizeOf(shape) * array.BYTES_PER_ELEMENT;
  if (zeros.buffer.byteLength < bytes) zeros.buffer = new ArrayBuffer(bytes);
  const make = array.constructor as unknown as new (b: ArrayBuffer, o: number, n: number) => typeof t.data;
  return tensor(t.dtype, shape, new make(zeros.buffer, 0, sizeOf(shape)));
}
