import { normalAxis, type Shape } from "../ir/index.ts";
import { alignedAxes, type CouplingContext } from "./coupling-rule.ts";

/** The target follows the cut; a symbolic axis keeps its entry (0 copies the input's, -1 takes what is left). */
export function coupleReshape(c: CouplingContext<unknown>): void {
  c.reshape();
  const wanted = c.facts.ints(1);
  const target = (output: Shape) => output.map((dim, i) => (typeof dim === "number" ? dim : wanted[i] === 0 ? 0 : -1));
  c.onCut((view) => ({ ints: [{ input: 1, values: target(view.outputShape(0)) }] }));
}

export function coupleTranspose(c: CouplingContext<{ readonly perm: readonly number[] }>): void {
  const rank = c.facts.shape(0).length;
  const { perm } = c.facts.attrs;
  c.transpose(perm.length === 0 ? Array.from({ length: rank }, (_, i) => rank - 1 - i) : perm);
}

/** Without stated axes, an axis that the cut leaves with one position would vanish too: they are stated then. */
export function coupleSqueeze(c: CouplingContext<unknown>): void {
  c.reshape();
  if ((c.facts.intsOrNull(1) ?? []).length > 0) return;
  const axes = c.facts.shape(0).flatMap((dim, i) => (dim === 1 ? [i] : []));
  c.onCut(() => ({ ints: [{ input: 1, values: axes }] }));
}

/** A symbolic axis is stated as 1, which keeps the input's size. */
export function coupleExpand(c: CouplingContext<unknown>): void {
  c.expand();
  const target = (output: Shape) => output.map((dim) => (typeof dim === "number" ? dim : 1));
  c.onCut((view) => ({ ints: [{ input: 1, values: target(view.outputShape(0)) }] }));
}

/** Scales and zero points along an axis are parameters of it. */
export function coupleScale(c: CouplingContext<{ readonly axis: number }>): void {
  const rank = c.facts.shape(0).length;
  const operands = [1, 2].flatMap((input) =>
    c.facts.has(input) && c.facts.shape(input).length === 1
      ? [{ input, axes: [normalAxis(c.facts.attrs.axis, rank)] }]
      : [],
  );
  c.join([{ input: 0, axes: alignedAxes(rank, rank) }, ...operands]);
}

/** Scale, bias, mean and variance belong to axis 1. */
export function coupleBatchNorm(c: CouplingContext<unknown>): void {
  const rank = c.facts.shape(0).length;
  c.join([{ input: 0, axes: alignedAxes(rank, rank) }, ...[1, 2, 3, 4].map((input) => ({ input, axes: [1] }))]);
}
