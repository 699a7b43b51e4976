import { normalAxis, type ValueId } from "../ir/index.ts";
import { float32, scalar } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";

/** Each taken element's gradient goes back to its place: a sum over k of one-hot vectors. */
export const topK: GradientRule<{ readonly axis: number }> = (c) => {
  const dy = c.outputGradients[0];
  if (dy === null || dy === undefined || !c.wants(0)) return [null, null];
  const f = formulaOf(c);
  const shape = f.shape(c.inputs[0]!);
  const axis = normalAxis(c.attrs.axis, shape.length);
  // [..., k, ...] to [..., k, size, ...].
  const places = hot(f, c.outputs[1]!, shape[axis]!, axis + 1);
  const spread = f.node("Unsqueeze", [dy, f.ints([axis + 1])]);
  return [f.sum(f.mul(places, spread), [axis], false), null];
};

/** Indices have no gradient; the values "off" and "on" get the sums over the elements that show them. */
export const oneHot: GradientRule<{ readonly axis: number }> = (c) => {
  if (!c.wants(2)) return [null, null, null];
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const shape = f.shape(dy);
  const axis = normalAxis(c.attrs.axis, shape.length);
  const all = shape.map((_, i) => i);
  const total = f.reshape(f.sum(dy, all), [1]);
  const on = f.reshape(f.sum(f.mul(dy, hot(f, c.inputs[0]!, shape[axis]!, axis)), all), [1]);
  return [null, null, f.node("Concat", [f.sub(total, on), on], { axis: 0 })];
};

function hot(f: Formula, indices: ValueId, depth: number, axis: number): ValueId {
  return f.node("OneHot", [indices, f.constant(scalar("int64", depth)), f.constant(float32([2], [0, 1]))], { axis });
}

/** The running sum of the gradient from the other end. */
export const cumSum: GradientRule<{ readonly exclusive: number; readonly reverse: number }> = (c) => {
  if (!c.wants(0)) return [null, null];
  const { exclusive, reverse } = c.attrs;
  const inputs = [c.outputGradients[0]!, c.inputs[1]!];
  return [formulaOf(c).node("CumSum", inputs, { exclusive, reverse: 1 - reverse }), null];
};

/** The same triangle of the gradient. */
export const trilu: GradientRule<{ readonly upper: number }> = (c) => {
  const dx = c.wants(0)
    ? formulaOf(c).node("Trilu", [c.outputGradients[0]!, ...c.inputs.slice(1)], { upper: c.attrs.upper })
    : null;
  return c.inputs.map((_, i) => (i === 0 ? dx : null));
};
