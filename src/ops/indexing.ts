import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, normalAxis, type Shape, shapeText, staticDim } from "../ir/index.ts";
import { int, string } from "./attributes.ts";
import { coupleElements, coupleGatherPoints, coupleScatterPoints } from "./coupling-indexing.ts";
import { coupleOpaque } from "./coupling-rule.ts";
import { coupleCompress } from "./coupling-selection.ts";
import * as gradient from "./gradient-indexing.ts";
import { compressRule } from "./gradient-pad.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

/** Stands for an absent axis of Compress: the elements in their order, whatever the shape. */
export const NO_AXIS = Number.MIN_SAFE_INTEGER;

const reductions = ["none", "add", "mul", "max", "min"];

function checkReduction(c: OpContext<{ readonly reduction: string }>): void {
  if (!reductions.includes(c.attrs.reduction))
    throw new EspalierError(
      "input",
      `${c.op} has reduction "${c.attrs.reduction}", ONNX knows ${reductions.join(", ")}`,
    );
}

/** Refuses indices that do not fit beside the data: same rank, and on other axes than `axis` no longer. */
function checkElements(c: OpContext<{ readonly axis: number }>): void {
  const data = c.ranked(0, 1, 8);
  const indices = c.ranked(1, data.length);
  const axis = normalAxis(c.attrs.axis, data.length);
  const fits = (dim: Dim, i: number) => i === axis || dim === data[i] || (dim as number) <= (data[i] as number);
  if (!indices.every(fits))
    throw new EspalierError(
      "input",
      `${c.op} on axis ${axis} of ${shapeText(data)} has indices of ${shapeText(indices)}, which reach beyond the data`,
    );
}

/** out[i][j] = data[indices[i][j]][j] for axis 0 (ONNX GatherElements-13); negative indices count from the end. */
export const GatherElements = defineOp({
  attrs: { axis: int(0) },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    checkElements(c);
    return [typed(c.type(0).dtype, c.shape(1))];
  },
  couple: coupleElements,
  gradient: gradient.gatherElements,
});

/** A copy of data in which out[indices[i][j]][j] = updates[i][j] for axis 0, or their sum, product... (ONNX ScatterElements-18). */
export const ScatterElements = defineOp({
  attrs: { axis: int(0), reduction: string("none") },
  inputs: [3, 3],
  kind: "movement",
  infer: (c) => {
    checkReduction(c);
    checkElements(c);
    if (shapeText(c.shape(2)) !== shapeText(c.shape(1)))
      throw new EspalierError(
        "input",
        `ScatterElements has indices of ${shapeText(c.shape(1))} and updates of ${shapeText(c.shape(2))}: they must agree`,
      );
    return [c.type(0)];
  },
  couple: coupleElements,
  gradient: gradient.scatterElements,
});

/** The shape of the slices that the last axis of the indices points at, with the axes of the indices (and the batch) before it. */
function pointedShape(c: OpContext<unknown>, batch: number): Dim[] {
  const data = c.ranked(0, 1, 8);
  const indices = c.ranked(1, 1, 8);
  const depth = staticDim(indices[indices.length - 1], `The last size of the indices of ${c.op}`);
  const agrees = batch >= 0 && batch < indices.length && data.slice(0, batch).every((dim, i) => dim === indices[i]);
  if (!agrees || depth < 1 || batch + depth > data.length)
    throw new EspalierError(
      "input",
      `${c.op} with ${batch} batch axes has indices of ${shapeText(indices)} into ${shapeText(data)}: the last axis must name 1 to ${data.length - batch} axes`,
    );
  return [...indices.slice(0, -1), ...data.slice(batch + depth)];
}

/** Slices of data at the positions that the last axis of the indices names (ONNX GatherND-13). */
export const GatherND = defineOp({
  attrs: { batch_dims: int(0) },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => [typed(c.type(0).dtype, pointedShape(c, c.attrs.batch_dims))],
  couple: coupleGatherPoints,
  gradient: gradient.gatherND,
});

/** A copy of data with the slices that the indices name replaced by updates, or reduced with them (ONNX ScatterND-18). */
export const ScatterND = defineOp({
  attrs: { reduction: string("none") },
  inputs: [3, 3],
  kind: "movement",
  infer: (c) => {
    checkReduction(c);
    const wanted: Shape = pointedShape(c, 0);
    if (shapeText(c.shape(2)) !== shapeText(wanted))
      throw new EspalierError("input", `ScatterND needs updates of ${shapeText(wanted)}, got ${shapeText(c.shape(2))}`);
    return [c.type(0)];
  },
  couple: coupleScatterPoints,
  gradient: gradient.scatterND,
});

/** The positions that a Compress keeps: where its constant condition, which may be shorter than the axis, is true. */
export function compressedPositions(c: OpContext<{ readonly axis: number }>): number[] {
  const x = c.shape(0);
  const { axis } = c.attrs;
  const sizes = axis === NO_AXIS ? x : [x[normalAxis(axis, x.length)]!];
  const count = sizes.reduce((product: number, dim) => product * staticDim(dim, "A compressed size"), 1);
  return c.numbers(1).flatMap((kept, i) => (kept !== 0 && i < count ? [i] : []));
}

/** The positions of an axis, or of the flattened input, for which a constant condition holds (ONNX Compress-11). */
export const Compress = defineOp({
  attrs: { axis: int(NO_AXIS) },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    const count = compressedPositions(c).length;
    const x = c.shape(0);
    const shape =
      c.attrs.axis === NO_AXIS ? [count] : x.map((dim, i) => (i === normalAxis(c.attrs.axis, x.length) ? count : dim));
    return [typed(c.type(0).dtype, shape)];
  },
  couple: (c) =>
    coupleCompress(
      c,
      c.facts.attrs.axis === NO_AXIS ? null : normalAxis(c.facts.attrs.axis, c.facts.shape(0).length),
      compressedPositions(c.facts),
    ),
  gradient: compressRule<{ readonly axis: number }>(compressedPositions, NO_AXIS),
});

/** For each slice of the batch axis, its first sequence_lens steps of the time axis in reverse, the others as they are (ONNX ReverseSequence-10). */
export const ReverseSequence = defineOp({
  attrs: { batch_axis: int(1), time_axis: int(0) },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    const x = c.ranked(0, 2, 8);
    const { batch_axis: batch, time_axis: time } = c.attrs;
    if (batch + time !== 1 || batch * time !== 0)
      throw new EspalierError(
        "input",
        `ReverseSequence has batch axis ${batch} and time axis ${time}: one is 0, the other 1`,
      );
    if (shapeText(c.shape(1)) !== shapeText([x[batch]!]))
      throw new EspalierError(
        "input",
        `ReverseSequence of ${shapeText(x)} needs ${x[batch]} lengths, got ${shapeText(c.shape(1))}`,
      );
    return [c.type(0)];
  },
  couple: (c) => coupleOpaque(c, [0, 1]),
  gradient: gradient.reverseSequence,
});
