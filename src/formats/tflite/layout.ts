import { permute, type Tensor, tensor } from "../../tensor/index.ts";

/**
 * Where the axes of an IR value lie in its TFLite tensor: axis i of the tensor is axis layout[i] of the value; -1 is an
 * axis of size 1 that the value does not have (one-dimensional convolutions run as 1 x L images).
 */
export type Layout = readonly number[];

/** The tensor's axes are the value's, in order. */
export function identityLayout(rank: number): Layout {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** TFLite's image layout of an NC... value: NHWC for rank 4, N1LC for rank 3. */
export function channelsLast(rank: number): Layout {
  return rank === 4 ? [0, 2, 3, 1] : rank === 3 ? [0, -1, 2, 1] : identityLayout(rank);
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

export function isIdentity(layout: Layout): boolean {
  return layout.every((axis, i) => axis === i);
}

/** The layout without its added axes of size 1. */
export function compact(layout: Layout): Layout {
  return layout.filter((axis) => axis >= 0);
}

/** Shape of the tensor that holds a value of the given shape. */
export function physicalShape(shape: readonly number[], layout: Layout): number[] {
  return layout.map((axis) => (axis < 0 ? 1 : shape[axis]!));
}

/** One entry an axis of the tensor, from one an axis of the value; added axes take `filler`. */
export function physicalList<T>(list: readonly T[], layout: Layout, filler: T): T[] {
  return layout.map((axis) => (axis < 0 ? filler : list[axis]!));
}

/** A constant in the given layout. Its rank may be lower than the layout's: axes of size 1 are put in front, as in broadcasting. */
export function placeConstant(t: Tensor, layout: Layout): Tensor {
  const rank = compact(layout).length;
  const full = [...new Array<number>(Math.max(0, rank - t.shape.length)).fill(1), ...t.shape];
  const moved = permute(tensor(t.dtype, full, t.data), compact(layout));
  return tensor(t.dtype, physicalShape(full, layout), moved.data);
}

/** The layout after some axes of the value have gone; the others move up. */
export function without(layout: Layout, gone: readonly number[]): Layout {
  const left = layout.filter((axis) => !gone.includes(axis));
  return left.map((axis) => (axis < 0 ? -1 : axis - gone.filter((g) => g < axis).length));
}
