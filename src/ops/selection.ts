import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, normalAxis, type Shape, shapeText, staticDim } from "../ir/index.ts";
import { int, string } from "./attributes.ts";
import { coupleGather, couplePad, coupleSlice, coupleSplit } from "./coupling-selection.ts";
import * as gradient from "./gradient-movement.ts";
import { padRule } from "./gradient-pad.ts";
import { defineOp, OpContext, typed } from "./spec.ts";

export const Concat = defineOp({
  attrs: { axis: int() },
  inputs: [1, 1024],
  kind: "movement",
  infer: (c) => {
    const first = c.shape(0);
    const axis = normalAxis(c.attrs.axis, first.length);
    let total = 0;
    c.inputs.forEach((_, i) => {
      const shape = c.ranked(i, first.length);
      if (shape.some((dim, k) => k !== axis && dim !== first[k]))
        throw new EspalierError(
          "input",
          `Concat on axis ${axis} of ${shapeText(first)} and ${shapeText(shape)}: other sizes differ`,
        );
      total += staticDim(shape[axis], "A concatenated size");
    });
    return [
      typed(
        c.type(0).dtype,
        first.map((dim, i) => (i === axis ? total : dim)),
      ),
    ];
  },
  couple: (c) => c.concat(normalAxis(c.facts.attrs.axis, c.facts.shape(0).length)),
  gradient: gradient.concat,
});

/** Sizes of the parts: input 1 if given, else equal parts (the last smaller, ONNX Split-18). */
export function splitSizes(c: OpContext<{ readonly axis: number; readonly num_outputs: number }>): number[] {
  const axis = normalAxis(c.attrs.axis, c.shape(0).length);
  const size = staticDim(c.shape(0)[axis], "A split size");
  const given = c.intsOrNull(1);
  if (given !== null) {
    if (given.reduce((a, b) => a + b, 0) !== size || given.some((part) => part < 0) || given.length !== c.outputCount)
      throw new EspalierError(
        "input",
        `Split of ${size} into ${shapeText(given)} with ${c.outputCount} outputs: the parts do not add up`,
      );
    return given;
  }
  const count = c.attrs.num_outputs > 0 ? c.attrs.num_outputs : c.outputCount;
  const part = Math.ceil(size / count);
  if (c.attrs.num_outputs < 0 || count !== c.outputCount || part * (count - 1) >= Math.max(size, 1))
    throw new EspalierError(
      "input",
      `Split of ${size} into ${count} parts with ${c.outputCount} outputs leaves some empty`,
    );
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
}

export const Split = defineOp({
  attrs: { axis: int(0), num_outputs: int(0) },
  inputs: [1, 2],
  kind: "movement",
  infer: (c) => {
    const x = c.shape(0);
    const axis = normalAxis(c.attrs.axis, x.length);
    return splitSizes(c).map((part) =>
      typed(
        c.type(0).dtype,
        x.map((dim, i) => (i === axis ? part : dim)),
      ),
    );
  },
  couple: (c) => coupleSplit(c, splitSizes(c.facts)),
  gradient: gradient.split,
});

/** A slice of one axis, resolved against its size: `count` positions from `start` on, `step` apart (step may be negative). */
export interface AxisSlice {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Resolves ONNX Slice-13 (inputs: data, starts, ends, axes, steps) against the input shape. */
export function resolveSlices(c: OpContext<unknown>): AxisSlice[] {
  const x = c.shape(0);
  const starts = c.ints(1);
  const ends = c.ints(2);
  const axes = (c.intsOrNull(3) ?? starts.map((_, i) => i)).map((axis) => normalAxis(axis, x.length));
  const steps = c.intsOrNull(4) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw new EspalierError(
      "input",
      `Slice has ${starts.length} starts, ${ends.length} ends, ${axes.length} axes and ${steps.length} steps`,
    );
  }
  return axes.flatMap((axis, i) => {
    const step = steps[i]!;
    // All of an axis, whatever its size.
    if (typeof x[axis] === "string" && starts[i] === 0 && step === 1 && ends[i]! >= 2 ** 31 - 1) return [];
    const size = staticDim(x[axis], "A sliced size");
    if (step === 0) throw new EspalierError("input", "Slice has a step of 0");
    const from = starts[i]! < 0 ? starts[i]! + size : starts[i]!;
    const to = ends[i]! < 0 ? Math.max(ends[i]! + size, -1) : ends[i]!;
    const start = step > 0 ? Math.min(Math.max(from, 0), size) : Math.min(Math.max(from, 0), size - 1);
    // A negative end below the first element means "through the first" when stepping backwards.
    const end =
      step > 0 ? Math.min(Math.max(to, 0), size) : Math.min(Math.max(ends[i]! < -size ? -1 : to, -1), size - 1);
    return [{ axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)) }];
  });
}

export const Slice = defineOp({
  attrs: {},
  inputs: [3, 5],
  kind: "movement",
  infer: (c) => {
    const shape: Dim[] = [...c.shape(0)];
    for (const { axis, count } of resolveSlices(c)) shape[axis] = count;
    return [typed(c.type(0).dtype, shape)];
  },
  couple: (c) => coupleSlice(c, resolveSlices(c.facts)),
  gradient: gradient.sliceRule((c) =>
    resolveSlices(
      new OpContext(
        c.node.op,
        c.attrs,
        c.inputs.map((id) => (id === null ? null : c.builder.value(id))),
        1,
      ),
    ),
  ),
});

export const Gather = defineOp({
  attrs: { axis: int(0) },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    const x = c.shape(0);
    const axis = normalAxis(c.attrs.axis, x.length);
    return [typed(c.type(0).dtype, [...x.slice(0, axis), ...c.shape(1), ...x.slice(axis + 1)])];
  },
  couple: coupleGather,
  gradient: gradient.gather,
});

/** Pads of every axis as [begins..., ends...]; inputs: data, pads, value, axes (ONNX Pad-18). */
export function resolvePads(c: OpContext<unknown>): { begins: number[]; ends: number[] } {
  const rank = c.shape(0).length;
  const pads = c.ints(1);
  const axes = (c.intsOrNull(3) ?? Array.from({ length: rank }, (_, i) => i)).map((axis) => normalAxis(axis, rank));
  if (pads.length !== 2 * axes.length)
    throw new EspalierError("input", `Pad of ${axes.length} axes needs ${2 * axes.length} pads, got ${pads.length}`);
  const begins = new Array<number>(rank).fill(0);
  const ends = new Array<number>(rank).fill(0);
  axes.forEach((axis, i) => {
    begins[axis] = pads[i]!;
    ends[axis] = pads[axes.length + i]!;
  });
  return { begins, ends };
}

export const Pad = defineOp({
  attrs: { mode: string("constant") },
  inputs: [2, 4],
  kind: "movement",
  infer: (c) => {
    const { begins, ends } = resolvePads(c);
    const x: Shape = c.shape(0);
    const shape = x.map((dim, i) => {
      if (begins[i] === 0 && ends[i] === 0) return dim;
      const size = staticDim(dim, "A padded size") + begins[i]! + ends[i]!;
      if (size < 0) throw new EspalierError("input", `Pad removes more than there is on axis ${i} of ${shapeText(x)}`);
      return size;
    });
    return [typed(c.type(0).dtype, shape)];
  },
  couple: (c) => {
    const { begins, ends } = resolvePads(c.facts);
    couplePad(c, begins, ends);
  },
  gradient: padRule(resolvePads),
});
