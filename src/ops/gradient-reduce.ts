import { normalAxis, type ValueId } from "../ir/index.ts";
import { toInts } from "../tensor/index.ts";
import { type Formula, formulaOf, stretch } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

interface ReduceAttributes {
  readonly keepdims: number;
  readonly noop_with_empty_axes: number;
}

/** The axes that a Reduce* node sums over, from its constant second input. */
function axesOf(c: GradientContext<ReduceAttributes>, rank: number): number[] {
  const id = c.inputs[1];
  const data = id === undefined || id === null ? undefined : c.builder.value(id).data;
  const given = data === undefined ? [] : toInts(data);
  if (given.length === 0) return c.attrs.noop_with_empty_axes === 1 ? [] : Array.from({ length: rank }, (_, i) => i);
  return given.map((axis) => normalAxis(axis, rank));
}

interface Reduced {
  readonly f: Formula;
  readonly x: ValueId;
  /** The result and its gradient, with the reduced axes kept as size 1. */
  readonly y: ValueId;
  readonly dy: ValueId;
  readonly axes: readonly number[];
  readonly shape: readonly number[];
  /** Number of elements that one result is made of. */
  readonly count: number;
}

function reduceRule(dx: (r: Reduced) => ValueId): GradientRule<ReduceAttributes> {
  return (c) => {
    const f = formulaOf(c);
    const answer: (ValueId | null)[] = c.inputs.map(() => null);
    if (!c.wants(0)) return answer;
    const x = c.inputs[0]!;
    const shape = f.shape(x);
    const axes = axesOf(c, shape.length);
    const kept = shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
    const keep = (id: ValueId) => (f.shape(id).length === shape.length ? id : f.reshape(id, kept));
    const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
    answer[0] = dx({ f, x, y: keep(c.outputs[0]!), dy: keep(c.outputGradients[0]!), axes, shape, count });
    return answer;
  };
}

export const reduceSum = reduceRule(({ f, dy, axes, shape }) => stretch(f, dy, shape, axes));
export const reduceMean = reduceRule(({ f, dy, axes, shape, count }) =>
  stretch(f, f.mul(dy, f.number(1 / count)), shape, axes),
);
export const reduceSumSquare = reduceRule(({ f, x, dy }) => f.mul(x, f.mul(dy, f.number(2))));
export const reduceL2 = reduceRule(({ f, x, y, dy }) => f.mul(x, f.div(dy, y)));
export const reduceL1 = reduceRule(({ f, x, dy }) => f.mul(f.node("Sign", [x]), dy));
// d log(s) / dx = 1/s = e^-y.
export const reduceLogSum = reduceRule(({ f, y, dy, axes, shape }) =>
  stretch(f, f.mul(dy, f.node("Exp", [f.neg(y)])), shape, axes),
);
export const reduceLogSumExp = reduceRule(({ f, x, y, dy }) => f.mul(dy, f.node("Exp", [f.sub(x, y)])));
/** d prod / dx = the product of the others: prod / x where nothing is 0; a lone 0 gets the product without it, and two leave nothing. */
export const reduceProd = reduceRule(({ f, x, dy, axes }) => {
  const zero = f.indicator(f.node("Equal", [x, f.number(0)]));
  const filled = f.add(x, zero);
  const product = f.node("ReduceProd", [filled, f.ints(axes)]);
  const zeros = f.sum(zero, axes);
  const are = (count: number) => f.indicator(f.node("Equal", [zeros, f.number(count)]));
  const reached = f.add(f.mul(zero, are(1)), f.mul(f.sub(f.number(1), zero), are(0)));
  return f.mul(reached, f.div(f.mul(dy, product), filled));
});
/** Elements that equal the extreme share its gradient equally. */
export const reduceExtreme = reduceRule(({ f, x, y, dy, axes }) => {
  const hits = f.indicator(f.node("Equal", [x, y]));
  return f.mul(hits, f.div(dy, f.sum(hits, axes)));
});
