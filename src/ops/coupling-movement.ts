import { normalAxis, type Shape } from "../ir/index.ts";
import { alignedAxes, type CouplingContext, coupleOpaque } from "./coupling-rule.ts";

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

/** Scale and bias belong to axis 1; the statistics are of the spatial axes. */
export function coupleInstanceNorm(c: CouplingContext<unknown>): void {
  const spatial = c.facts.shape(0).flatMap((_, i) => (i < 2 ? [] : [i]));
  c.normalise(
    spatial,
    [1, 2].map((input) => ({ input, axes: [1] })),
  );
}

/** Scale and bias are aligned to the right; where the statistics are read too, nothing is cut. */
export function coupleLayerNorm(c: CouplingContext<{ readonly axis: number }>): void {
  const rank = c.facts.shape(0).length;
  const first = normalAxis(c.facts.attrs.axis, rank);
  const parameters = [1, 2].filter((input) => c.facts.has(input));
  if (c.facts.outputCount > 1) for (const input of [0, ...parameters]) c.freeze(input, "norm-statistics");
  c.normalise(
    Array.from({ length: rank - first }, (_, i) => first + i),
    parameters.map((input) => ({ input, axes: alignedAxes(c.facts.shape(input).length, rank) })),
  );
}

/** Axes that are resized mix; sizes that are stated for others follow the cut. */
export function coupleResize(
  c: CouplingContext<{ readonly axes: readonly number[] }>,
  resized: readonly number[],
): void {
  const rank = c.facts.shape(0).length;
  coupleOpaque(c, resized);
  if (!c.facts.has(3) || c.facts.ints(3).length === 0) return;
  const { axes } = c.facts.attrs;
  const listed = axes.length === 0 ? alignedAxes(rank, rank) : axes.map((axis) => normalAxis(axis, rank));
  c.onCut((view) => ({ ints: [{ input: 3, values: listed.map((axis) => view.outputShape(0)[axis] as number) }] }));
}

/** Axes that are cropped or padded mix; sizes that are stated for others follow the cut. */
export function coupleCenterCropPad(c: CouplingContext<{ readonly axes: readonly number[] }>): void {
  const [x, y] = [c.facts.shape(0), c.outputShape()];
  coupleOpaque(
    c,
    x.flatMap((dim, i) => (dim === y[i] ? [] : [i])),
  );
  const { axes } = c.facts.attrs;
  const listed = axes.length === 0 ? alignedAxes(x.length, x.length) : axes.map((axis) => normalAxis(axis, x.length));
  c.onCut((view) => ({ ints: [{ input: 1, values: listed.map((axis) => Number(view.outputShape(0)[axis])) }] }));
}

/** Channels (axis 1) of input 0 pass to axis 1 of the result; the sampling points and all other axes stay. */
export function coupleSampling(c: CouplingContext<unknown>): void {
  c.facts.inputs.forEach((input, i) => {
    if (i > 0 && input !== null) c.freeze(i, "mixed");
  });
  coupleOpaque(
    c,
    c.facts.shape(0).flatMap((_, i) => (i === 1 ? [] : [i])),
  );
}
