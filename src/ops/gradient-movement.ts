import { normalAxis, type ValueId } from "../ir/index.ts";
import { fromNumbers } from "../tensor/index.ts";
import { type Formula, formulaOf, unbroadcast } from "./gradient-formula.ts";
import type { AxisSlice } from "./selection.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

/** The answer of an operator that moves its first input and takes constants besides. */
function moved<A>(c: GradientContext<A>, dx: (f: Formula, dy: ValueId) => ValueId): (ValueId | null)[] {
  return c.inputs.map((_, i) => (i === 0 && c.wants(0) ? dx(formulaOf(c), c.outputGradients[0]!) : null));
}

/** Reshape, Flatten, Squeeze, Unsqueeze: the same elements in the input's shape. */
export const reshape: GradientRule<unknown> = (c) => moved(c, (f, dy) => f.reshape(dy, f.shape(c.inputs[0]!)));

export const transpose: GradientRule<{ readonly perm: readonly number[] }> = (c) =>
  moved(c, (f, dy) => {
    const rank = f.shape(dy).length;
    const perm = c.attrs.perm.length === 0 ? Array.from({ length: rank }, (_, i) => rank - 1 - i) : c.attrs.perm;
    const inverse = new Array<number>(rank);
    perm.forEach((axis, i) => {
      inverse[axis] = i;
    });
    return f.transpose(dy, inverse);
  });

export const expand: GradientRule<unknown> = (c) => moved(c, (f, dy) => unbroadcast(f, dy, c.type(c.inputs[0]!).shape));

/** Each axis becomes (repeats, size); the copies are summed. */
export const tile: GradientRule<unknown> = (c) =>
  moved(c, (f, dy) => {
    const input = f.shape(c.inputs[0]!);
    const output = f.shape(dy);
    const split = input.flatMap((dim, i) => [output[i]! / dim, dim]);
    return f.sum(
      f.reshape(dy, split),
      input.map((_, i) => 2 * i),
      false,
    );
  });

export const concat: GradientRule<{ readonly axis: number }> = (c) => {
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const axis = normalAxis(c.attrs.axis, f.shape(dy).length);
  let start = 0;
  return c.inputs.map((id, i) => {
    const from = start;
    start += f.shape(id!)[axis]!;
    return c.wants(i) ? f.node("Slice", [dy, f.ints([from]), f.ints([start]), f.ints([axis])]) : null;
  });
};

export const split: GradientRule<{ readonly axis: number; readonly num_outputs: number }> = (c) =>
  c.inputs.map((_, i) => {
    if (i > 0 || !c.wants(0)) return null;
    const f = formulaOf(c);
    const parts = c.outputs.map((id, k) => {
      const shape = f.shape(id);
      return c.outputGradients[k] ?? f.node("Expand", [f.number(0), f.ints(shape)]);
    });
    return f.node("Concat", parts, { axis: c.attrs.axis });
  });

/** Spreads positions `step` apart: [.., n, ..] becomes [.., n * step, ..] with step - 1 zeros after each element. */
function spread(f: Formula, id: ValueId, axis: number, step: number): ValueId {
  if (step === 1) return id;
  const shape = f.shape(id);
  const column = f.reshape(id, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
  const zeros = new Array<number>(shape.length + 1).fill(0);
  const padded = f.node("Pad", [column, f.ints([...zeros, ...zeros.map((_, i) => (i === axis + 1 ? step - 1 : 0))])]);
  return f.reshape(
    padded,
    shape.map((dim, i) => (i === axis ? dim * step : dim)),
  );
}

/** Puts a gradient back where the slice took its elements from, zeros elsewhere. */
function unslice(f: Formula, dy: ValueId, { axis, start, step, count }: AxisSlice, size: number): ValueId {
  const shape = f.shape(dy);
  const whole = shape.map((dim, i) => (i === axis ? size : dim));
  if (count === 0) return f.node("Expand", [f.number(0), f.ints(whole)]);
  const far = Number.MIN_SAFE_INTEGER;
  const forward = step > 0 ? dy : f.node("Slice", [dy, f.ints([-1]), f.ints([far]), f.ints([axis]), f.ints([-1])]);
  const begin = step > 0 ? start : start + (count - 1) * step;
  const stride = Math.abs(step);
  const end = size - begin - count * stride;
  const only = (value: number) => shape.map((_, i) => (i === axis ? value : 0));
  // A negative end pad removes the zeros after the last element.
  return f.node("Pad", [spread(f, forward, axis, stride), f.ints([...only(begin), ...only(end)])]);
}

/** `slicesOf` resolves the node's constant inputs (it lives beside Slice, which imports this file). */
export function sliceRule(slicesOf: (c: GradientContext<unknown>) => readonly AxisSlice[]): GradientRule<unknown> {
  return (c) =>
    moved(c, (f, dy) => {
      const input = f.shape(c.inputs[0]!);
      return slicesOf(c).reduce((gradient, slice) => unslice(f, gradient, slice, input[slice.axis]!), dy);
    });
}

/** Row r of dx is the sum of the gradients of all positions that took r: a product with the one-hot matrix of the indices. */
export const gather: GradientRule<{ readonly axis: number }> = (c) =>
  moved(c, (f, dy) => {
    const input = f.shape(c.inputs[0]!);
    const axis = normalAxis(c.attrs.axis, input.length);
    const size = input[axis]!;
    const indices = c.inputs[1]!;
    const dtype = c.type(indices).dtype;
    const count = f.shape(indices).reduce((a, b) => a * b, 1);
    const flat = f.reshape(indices, [1, count]);
    const rows = Array.from({ length: size }, (_, i) => i);
    const same = (values: readonly number[]) =>
      f.node("Equal", [f.constant(fromNumbers(dtype, [size, 1], values)), flat]);
    // A negative index counts from the end.
    const hit = f.node("Or", [same(rows), same(rows.map((row) => row - size))]);
    const before = input.slice(0, axis).reduce((a, b) => a * b, 1);
    const after = input.slice(axis + 1).reduce((a, b) => a * b, 1);
    const product = f.node("MatMul", [f.indicator(hit), f.reshape(dy, [before, count, after])]);
    return f.reshape(product, input);
  });

/** Between floating types the gradient is cast back; an integer or bool result passes none. */
export const cast: GradientRule<unknown> = (c) => {
  const from = c.type(c.inputs[0]!).dtype;
  const to = c.type(c.outputs[0]!).dtype;
  const floating = (dtype: string) => dtype.startsWith("float");
  if (!c.wants(0) || !floating(from) || !floating(to)) return c.inputs.map(() => null);
  const codes: Record<string, number> = { float32: 1, float16: 10, float64: 11 };
  return moved(c, (f, dy) => f.node("Cast", [dy], { to: codes[from]! }));
};
