import { sizeOf, type Tensor, toInts } from "../../../tensor/index.ts";

/** Constant indices with those from the end counted from the start. */
export function counted(indices: Tensor, size: number): number[] {
  return toInts(indices).map((index) => (index < 0 ? index + size : index));
}

/** For each element of `shape`, its coordinates along the axes are given to `visit` with the element's position. */
export function eachPosition(shape: readonly number[], visit: (at: readonly number[], position: number) => void): void {
  const at = new Array<number>(shape.length).fill(0);
  const count = sizeOf(shape);
  for (let position = 0; position < count; position++) {
    visit(at, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis]!++;
      if (at[axis]! < shape[axis]!) break;
      at[axis] = 0;
    }
  }
}

/** Steps in elements from one position of an axis to the next. */
export function strides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** Positions in a flattened tensor of `data` that ONNX GatherElements reads for each element of `indices` along `axis`. */
export function elementPositions(data: readonly number[], indices: readonly number[], axis: number): number[] {
  const steps = strides(data);
  const base = new Array<number>(sizeOf(indices));
  eachPosition(indices, (at, position) => {
    base[position] = at.reduce((sum, index, k) => (k === axis ? sum : sum + index * steps[k]!), 0);
  });
  return base;
}
