import type { Shape } from "../../ir/index.ts";
import { permute, type Tensor, tensor } from "../../tensor/index.ts";

/** An order of axes: axis p of the result is axis perm[p] of the source (as in ONNX Transpose). */
export type Perm = readonly number[];

/**
 * What a reader wants of a value: which of its axes stands where, -1 for an axis of size 1 that is put in. Axes of size 1
 * may be left out. In canonical form every axis of size 1 is written -1, so that equal forms hold equal data in equal shapes.
 */
export type Form = readonly number[];

export function identityPerm(rank: number): number[] {
  return Array.from({ length: rank }, (_, i) => i);
}

export function isIdentity(perm: Perm): boolean {
  return perm.every((axis, i) => axis === i);
}

export function invert(perm: Perm): number[] {
  const inverse = new Array<number>(perm.length);
  perm.forEach((axis, i) => {
    inverse[axis] = i;
  });
  return inverse;
}

/** The form, stated in axes of a view, restated in axes of the value that is viewed. */
export function through(view: Perm, form: Form): number[] {
  return form.map((axis) => (axis < 0 ? -1 : view[axis]!));
}

export function canonical(form: Form, shape: Shape): number[] {
  return form.map((axis) => (axis >= 0 && shape[axis] === 1 ? -1 : axis));
}

/** Two forms with one key hold their elements in the same order: a Reshape leads from one to the other. */
export function keyOf(form: Form): string {
  return form.filter((axis) => axis >= 0).join();
}

export function shapeOf(form: Form, shape: Shape): Shape {
  return form.map((axis) => (axis < 0 ? 1 : shape[axis]!));
}

/** A constant in another form. */
export function permuteConstant(t: Tensor, form: Form): Tensor {
  const present = form.filter((axis) => axis >= 0);
  const units = t.shape.flatMap((_, axis) => (present.includes(axis) ? [] : [axis]));
  const order = [...units, ...present];
  const moved = isIdentity(order) ? t : permute(t, order);
  return tensor(t.dtype, shapeOf(form, t.shape) as number[], moved.data);
}

/** The axes that are left when some are dropped, renumbered: a permutation of the smaller tensor. */
export function without(perm: Perm, dropped: readonly number[]): number[] {
  return perm
    .filter((axis) => !dropped.includes(axis))
    .map((axis) => axis - dropped.filter((gone) => gone < axis).length);
}

/** A permutation of the larger tensor that `without(…, dropped)` turns into `perm`: each dropped axis follows the axis that it followed. */
export function withAxes(perm: Perm, dropped: readonly number[]): number[] {
  const rank = perm.length + dropped.length;
  const kept = identityPerm(rank).filter((axis) => !dropped.includes(axis));
  return attach(
    perm.map((axis) => kept[axis]!),
    rank,
  );
}

/** Completes an order of some axes to one of all: an axis that is missing comes right after its predecessor, the first ones in front. */
export function attach(order: readonly number[], rank: number): number[] {
  const result = [...order];
  for (let axis = 0; axis < rank; axis++)
    if (!order.includes(axis)) result.splice(axis === 0 ? 0 : result.indexOf(axis - 1) + 1, 0, axis);
  return result;
}
