import type { ValueId } from "../ir/index.ts";
import { fromNumbers } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

function zeros(f: Formula, like: ValueId): ValueId {
  return f.node("Expand", [f.number(0), f.ints(f.shape(like))]);
}

/** Gradients are added up where they were taken from. */
export const gatherElements: GradientRule<{ readonly axis: number }> = (c) => {
  if (!c.wants(0)) return [null, null];
  const f = formulaOf(c);
  const operands = [zeros(f, c.inputs[0]!), c.inputs[1]!, c.outputGradients[0]!];
  return [f.node("ScatterElements", operands, { axis: c.attrs.axis, reduction: "add" }), null];
};

/** The indices of a GatherND with the positions of their batch axes put before them, as one without batch axes takes them. */
function withBatchAxes(f: Formula, indices: ValueId, batch: number, dtype: "int32" | "int64"): ValueId {
  const shape = f.shape(indices);
  const lead = [...shape.slice(0, -1), batch];
  const count = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const strides = shape.slice(0, batch).map((_, i) => shape.slice(i + 1, -1).reduce((a, b) => a * b, 1));
  const positions = Array.from({ length: count }, (_, at) =>
    strides.map((stride, i) => Math.floor(at / stride) % shape[i]!),
  ).flat();
  return f.node("Concat", [f.constant(fromNumbers(dtype, lead, positions)), indices], { axis: -1 });
}

export const gatherND: GradientRule<{ readonly batch_dims: number }> = (c) => {
  if (!c.wants(0)) return [null, null];
  const f = formulaOf(c);
  const { batch_dims: batch } = c.attrs;
  const indices = c.inputs[1]!;
  const all = batch === 0 ? indices : withBatchAxes(f, indices, batch, c.type(indices).dtype as "int64");
  return [f.node("ScatterND", [zeros(f, c.inputs[0]!), all, c.outputGradients[0]!], { reduction: "add" }), null];
};

/** How an operator writes at its indices, and reads there. */
interface Places<A> {
  scatter(f: Formula, c: GradientContext<A>, into: ValueId, updates: ValueId, reduction: string): ValueId;
  gather(f: Formula, c: GradientContext<A>, from: ValueId): ValueId;
}

/**
 * "none": what was written over gets no gradient, what was written gets that of its place. "add": both get it. "mul": the gradient times the other factors
 * (updates other than 0). "max" and "min": elements that equal the result share its gradient equally.
 */
function scattered<A extends { readonly reduction: string }>(places: Places<A>): GradientRule<A> {
  return (c) => {
    const { reduction } = c.attrs;
    const f = formulaOf(c);
    const [data, , updates] = c.inputs as readonly [ValueId, ValueId, ValueId];
    const dy = c.outputGradients[0]!;
    const y = c.outputs[0]!;
    const at = (value: ValueId) => places.gather(f, c, value);
    if (reduction === "none" || reduction === "add") {
      const kept = () => (reduction === "add" ? dy : places.scatter(f, c, dy, zeros(f, updates), "none"));
      return [c.wants(0) ? kept() : null, null, c.wants(2) ? at(dy) : null];
    }
    if (reduction === "mul")
      return [
        c.wants(0) ? places.scatter(f, c, dy, updates, "mul") : null,
        null,
        c.wants(2) ? f.div(at(f.mul(dy, y)), updates) : null,
      ];
    const [kept, written] = [f.indicator(f.node("Equal", [data, y])), f.indicator(f.node("Equal", [updates, at(y)]))];
    const share = f.div(dy, places.scatter(f, c, kept, written, "add"));
    return [c.wants(0) ? f.mul(kept, share) : null, null, c.wants(2) ? f.mul(written, at(share)) : null];
  };
}

export const scatterElements = scattered<{ readonly axis: number; readonly reduction: string }>({
  scatter: (f, c, into, updates, reduction) =>
    f.node("ScatterElements", [into, c.inputs[1]!, updates], { axis: c.attrs.axis, reduction }),
  gather: (f, c, from) => f.node("GatherElements", [from, c.inputs[1]!], { axis: c.attrs.axis }),
});

export const scatterND = scattered<{ readonly reduction: string }>({
  scatter: (f, c, into, updates, reduction) => f.node("ScatterND", [into, c.inputs[1]!, updates], { reduction }),
  gather: (f, c, from) => f.node("GatherND", [from, c.inputs[1]!]),
});

/** Its own inverse. */
export const reverseSequence: GradientRule<{ readonly batch_axis: number; readonly time_axis: number }> = (c) => [
  c.wants(0) ? formulaOf(c).node("ReverseSequence", [c.outputGradients[0]!, c.inputs[1]!], { ...c.attrs }) : null,
  null,
];
