import { type Dim, normalAxis, type Shape } from "../ir/index.ts";
import { int } from "./attributes.ts";
import * as gradient from "./gradient-reduce.ts";
import { defineOp, type GradientRule, type OpContext, typed } from "./spec.ts";

interface ReduceAttributes {
  readonly keepdims: number;
  readonly noop_with_empty_axes: number;
}

/** The axes that a Reduce* node sums over (input 1; absent or empty: all, unless noop_with_empty_axes). */
export function reducedAxes(c: OpContext<ReduceAttributes>): number[] {
  const rank = c.shape(0).length;
  const given = c.intsOrNull(1) ?? [];
  if (given.length === 0) return c.attrs.noop_with_empty_axes === 1 ? [] : Array.from({ length: rank }, (_, i) => i);
  return given.map((axis) => normalAxis(axis, rank)).sort((a, b) => a - b);
}

function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): Dim[] {
  return keep ? shape.map((dim, i) => (axes.includes(i) ? 1 : dim)) : shape.filter((_, i) => !axes.includes(i));
}

/** Kind "sum": positions that are zero do not change the result, so an axis that is reduced can be cut. */
function reduction(gradient: GradientRule<ReduceAttributes>, kind: "sum" | "mean" | "other" = "other") {
  return defineOp({
    attrs: { keepdims: int(1), noop_with_empty_axes: int(0) },
    inputs: [1, 2],
    kind: "reduce",
    infer: (c) => [typed(c.type(0).dtype, reducedShape(c.shape(0), reducedAxes(c), c.attrs.keepdims === 1))],
    couple: (c) => c.reduce(reducedAxes(c.facts), c.facts.attrs.keepdims === 1, kind),
    gradient,
  });
}

export const ReduceSum = reduction(gradient.reduceSum, "sum");
export const ReduceMean = reduction(gradient.reduceMean, "mean");
export const ReduceMax = reduction(gradient.reduceExtreme);
export const ReduceMin = reduction(gradient.reduceExtreme);
export const ReduceSumSquare = reduction(gradient.reduceSumSquare, "sum");
export const ReduceL2 = reduction(gradient.reduceL2, "sum");
export const ReduceL1 = reduction(gradient.reduceL1, "sum");
/** log(sum(x)). */
export const ReduceLogSum = reduction(gradient.reduceLogSum, "sum");
/** log(sum(e^x)), computed without overflow. */
export const ReduceLogSumExp = reduction(gradient.reduceLogSumExp);
export const ReduceProd = reduction(gradient.reduceProd);

function argument() {
  return defineOp({
    attrs: { axis: int(0), keepdims: int(1), select_last_index: int(0) },
    inputs: [1, 1],
    kind: "reduce",
    infer: (c) => [
      typed("int64", reducedShape(c.shape(0), [normalAxis(c.attrs.axis, c.shape(0).length)], c.attrs.keepdims === 1)),
    ],
    couple: (c) =>
      c.reduce([normalAxis(c.facts.attrs.axis, c.facts.shape(0).length)], c.facts.attrs.keepdims === 1, "other"),
    gradient: "not-differentiable",
  });
}

export const ArgMax = argument();
export const ArgMin = argument();
