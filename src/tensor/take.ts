import type { DType, TypedArray } from "./dtype.ts";
import { allocate, type Tensor, tensor } from "./tensor.ts";

/** Keeps the given positions of one axis, in the given order: shape[axis] becomes positions.length. */
export function takeAlong<D extends DType>(t: Tensor<D>, axis: number, positions: ArrayLike<number>): Tensor<D> {
  const outer = t.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = t.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = t.shape[axis]!;
  const data = allocate(t.dtype, outer * positions.length * inner);
  const source = t.data as TypedArray;
  const target = data as TypedArray;
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let p = 0; p < positions.length; p++) {
      const from = (o * size + positions[p]!) * inner;
      // A view costs more than a short loop.
      if (inner < 32) for (let i = 0; i < inner; i++) target[at + i] = source[from + i] as never;
      else target.set(source.subarray(from, from + inner) as never, at);
      at += inner;
    }
  }
  return tensor(
    t.dtype,
    t.shape.map((dim, i) => (i === axis ? positions.length : dim)),
    data,
  );
}

/** Permutes the axes: out.shape[i] = shape[permutation[i]] (ONNX Transpose). */
export function permute<D extends DType>(t: Tensor<D>, permutation: readonly number[]): Tensor<D> {
  const shape = permutation.map((axis) => t.shape[axis]!);
  const inputStrides = new Array<number>(t.shape.length);
  let step = 1;
  for (let i = t.shape.length - 1; i >= 0; i--) {
    inputStrides[i] = step;
    step *= t.shape[i]!;
  }
  const strides = permutation.map((axis) => inputStrides[axis]!);
  const data = allocate(t.dtype, t.data.length);
  const source = t.data as TypedArray;
  const target = data as TypedArray;
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let at = 0; at < data.length; at++) {
    target[at] = source[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return tensor(t.dtype, shape, data);
}
