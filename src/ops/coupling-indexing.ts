import { normalAxis } from "../ir/index.ts";
import { type CouplingContext, OPAQUE } from "./coupling-rule.ts";

/**
 * Elements named along one axis by indices of the data's rank: there anything may be read or written, on the other axes positions correspond. An
 * axis on which the indices reach less far than the data keeps its size.
 */
export function coupleElements(c: CouplingContext<{ readonly axis: number }>): void {
  const data = c.facts.shape(0);
  const axis = normalAxis(c.facts.attrs.axis, data.length);
  const aligned = data.map((dim, i) => (i === axis || dim !== c.facts.shape(1)[i] ? OPAQUE : i));
  c.join(c.facts.inputs.map((_, input) => ({ input, axes: aligned })));
}

/** Axes that the last axis of the indices names mix; those behind them pass, behind the axes of the indices. */
export function coupleGatherPoints(c: CouplingContext<{ readonly batch_dims: number }>): void {
  const [data, indices] = [c.facts.shape(0), c.facts.shape(1)];
  const behind = c.facts.attrs.batch_dims + Number(indices[indices.length - 1]);
  c.freeze(1, "mixed");
  c.join([{ input: 0, axes: data.map((_, i) => (i < behind ? OPAQUE : indices.length - 1 + i - behind)) }]);
}

/** As of GatherND; the updates meet the slices that they replace. */
export function coupleScatterPoints(c: CouplingContext<unknown>): void {
  const [data, indices, updates] = [c.facts.shape(0), c.facts.shape(1), c.facts.shape(2)];
  const behind = Number(indices[indices.length - 1]);
  c.freeze(1, "mixed");
  c.join([
    { input: 0, axes: data.map((_, i) => (i < behind ? OPAQUE : i)) },
    { input: 2, axes: updates.map((_, i) => (i < indices.length - 1 ? OPAQUE : behind + i - indices.length + 1)) },
  ]);
}

/** A new axis, as long as the vocabulary, that nothing tracks; the axes of the indices pass. */
export function coupleOneHot(c: CouplingContext<{ readonly axis: number }>): void {
  const rank = c.facts.shape(0).length;
  const added = normalAxis(c.facts.attrs.axis, rank + 1);
  c.join([{ input: 0, axes: c.facts.shape(0).map((_, i) => (i < added ? i : i + 1)) }]);
}

/** The axis that is ranked mixes; on the others values and positions lie as the input. */
export function coupleTopK(c: CouplingContext<{ readonly axis: number }>): void {
  const x = c.facts.shape(0);
  const ranked = normalAxis(c.facts.attrs.axis, x.length);
  const operand = { input: 0, axes: x.map((_, i) => (i === ranked ? OPAQUE : i)) };
  c.join([operand], 0);
  c.join([operand], 1);
}
