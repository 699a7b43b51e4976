import { EspalierError } from "../diagnostics/index.ts";
import type { ValueId } from "../ir/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

function zeros(f: Formula, like: ValueId): ValueId {
  return f.node("Expand", [f.number(0), f.ints(f.shape(like))]);
}

function refuse(c: GradientContext<unknown>, what: string): never {
  throw new EspalierError("unsupported", `The gradient of ${c.node.op} with ${what} is not written yet`, {
    where: `node "${c.node.name}"`,
  });
}

/** Gradients are added up where they were taken from. */
export const gatherElements: GradientRule<{ readonly axis: number }> = (c) => {
  if (!c.wants(0)) return [null, null];
  const f = formulaOf(c);
  const operands = [zeros(f, c.inputs[0]!), c.inputs[1]!, c.outputGradients[0]!];
  return [f.node("ScatterElements", operands, { axis: c.attrs.axis, reduction: "add" }), null];
};

export const gatherND: GradientRule<{ readonly batch_dims: number }> = (c) => {
  if (!c.wants(0)) return [null, null];
  if (c.attrs.batch_dims !== 0) refuse(c, `batch_dims of ${c.attrs.batch_dims}`);
  const f = formulaOf(c);
  const operands = [zeros(f, c.inputs[0]!), c.inputs[1]!, c.outputGradients[0]!];
  return [f.node("ScatterND", operands, { reduction: "add" }), null];
};

/** What was written over gets no gradient; what was written gets the gradient of its place. */
function scattered<A extends { readonly reduction: string }>(
  scatter: (f: Formula, c: GradientContext<A>, zero: ValueId) => ValueId,
  gather: (f: Formula, c: GradientContext<A>) => ValueId,
): GradientRule<A> {
  return (c) => {
    const { reduction } = c.attrs;
    if (reduction !== "none" && reduction !== "add") refuse(c, `reduction "${reduction}"`);
    const f = formulaOf(c);
    const kept = () => (reduction === "add" ? c.outputGradients[0]! : scatter(f, c, zeros(f, c.inputs[2]!)));
    return [c.wants(0) ? kept() : null, null, c.wants(2) ? gather(f, c) : null];
  };
}

export const scatterElements = scattered<{ readonly axis: number; readonly reduction: string }>(
  (f, c, zero) => f.node("ScatterElements", [c.outputGradients[0]!, c.inputs[1]!, zero], { axis: c.attrs.axis }),
  (f, c) => f.node("GatherElements", [c.outputGradients[0]!, c.inputs[1]!], { axis: c.attrs.axis }),
);

export const scatterND = scattered<{ readonly reduction: string }>(
  (f, c, zero) => f.node("ScatterND", [c.outputGradients[0]!, c.inputs[1]!, zero]),
  (f, c) => f.node("GatherND", [c.outputGradients[0]!, c.inputs[1]!]),
);

/** Its own inverse. */
export const reverseSequence: GradientRule<{ readonly batch_axis: number; readonly time_axis: number }> = (c) => [
  c.wants(0) ? formulaOf(c).node("ReverseSequence", [c.outputGradients[0]!, c.inputs[1]!], { ...c.attrs }) : null,
  null,
];
