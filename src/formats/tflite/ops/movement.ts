import { normalAxis } from "../../../ir/index.ts";
import { contextOf, resolvePads, resolveSlices, splitSizes } from "../../../ops/index.ts";
import { toNumbers } from "../../../tensor/index.ts";
import { agreedLayout, ownLayout } from "../agreement.ts";
import { tfliteOptions } from "../codec/index.ts";
import { identityLayout, type Layout, physicalList, physicalShape, without } from "../layout.ts";
import { convertConstant } from "../placement.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/** Movement keeps integers as they are: inputs are read with the output's quantisation. */
function moved(c: StepContext, i: number, layout: Layout): number {
  return c.read(i, layout, c.int8 ? c.outQuantization() : undefined);
}

/** No operator: the tensor stays, and the value has its axes elsewhere in it. */
function lowerTranspose(c: StepContext): void {
  const rank = c.shape(0).length;
  const perm = c.attr<readonly number[]>("perm");
  const permutation = perm.length === 0 ? identityLayout(rank).toReversed() : perm;
  const now = c.constant(0) === null && c.placed(0).flat === undefined ? c.placed(0).layout : identityLayout(rank);
  const tensor = c.placement.read(c.id(0), now, c.statedQuantization(0) ?? "float", c.name);
  c.alias(0, { tensor, layout: now.map((axis) => (axis < 0 ? -1 : permutation.indexOf(axis))) });
}

function lowerConcat(c: StepContext): void {
  const inputs = c.step.inputs.map((_, i) => i);
  const layout = agreedLayout(c, inputs);
  const axis = layout.indexOf(normalAxis(c.attr<number>("axis"), c.outShape().length));
  const parts = inputs.map((i) => moved(c, i, layout));
  const y = c.write(0, layout);
  c.emit("CONCATENATION", parts, [y], tfliteOptions("ConcatenationOptions", { axis }));
}

function own(c: StepContext): Layout {
  return agreedLayout(c, [0]);
}

function lowerSplit(c: StepContext): void {
  const layout = own(c);
  const axis = layout.indexOf(normalAxis(c.attr<number>("axis"), c.shape(0).length));
  const sizes = splitSizes(contextOf(c.placement.plan.graph, c.step.node) as never);
  const x = moved(c, 0, layout);
  const parts = sizes.map((_, o) => c.write(o, layout));
  const dim = c.store("axis", { tensor: { dtype: "int32", shape: [], data: Int32Array.of(axis) } });
  if (sizes.every((size) => size === sizes[0]))
    c.emit("SPLIT", [dim, x], parts, tfliteOptions("SplitOptions", { numSplits: sizes.length }));
  else
    c.emit(
      "SPLIT_V",
      [x, c.vector("sizes", sizes), dim],
      parts,
      tfliteOptions("SplitVOptions", { numSplits: sizes.length }),
    );
}

function lowerSlice(c: StepContext): void {
  const layout = own(c);
  const shape = c.shape(0);
  const begin = shape.map(() => 0);
  const end = [...shape];
  const step = shape.map(() => 1);
  for (const slice of resolveSlices(contextOf(c.placement.plan.graph, c.step.node))) {
    begin[slice.axis] = slice.start;
    step[slice.axis] = slice.step;
    // A backward slice that runs through the first element has no positive end; TFLite reads -(size + 1) as "before the first".
    const last = slice.start + slice.count * slice.step;
    end[slice.axis] = slice.step > 0 ? Math.min(last, shape[slice.axis]!) : last < 0 ? -shape[slice.axis]! - 1 : last;
  }
  const x = moved(c, 0, layout);
  const y = c.write(0, layout);
  const begins = c.vector("begin", physicalList(begin, layout, 0));
  if (step.every((s) => s === 1)) {
    const sizes = c.vector("size", physicalShape(c.outShape(), layout));
    c.emit("SLICE", [x, begins, sizes], [y], tfliteOptions("SliceOptions"));
    return;
  }
  const ends = c.vector("end", physicalList(end, layout, 1));
  const strides = c.vector("strides", physicalList(step, layout, 1));
  c.emit("STRIDED_SLICE", [x, begins, ends, strides], [y], tfliteOptions("StridedSliceOptions"));
}

function lowerPad(c: StepContext): void {
  const layout = own(c);
  const { begins, ends } = resolvePads(contextOf(c.placement.plan.graph, c.step.node));
  const mode = c.attr<string>("mode");
  if ([...begins, ...ends].some((pad) => pad < 0)) c.refuse("Pad with negative pads has no TFLite form", "Use Slice.");
  if (mode === "edge" || mode === "wrap")
    c.refuse(`Pad with mode "${mode}" has no TFLite form`, 'Use "constant" or "reflect".');
  const x = moved(c, 0, layout);
  const rows = begins.map((begin, axis) => [begin, ends[axis]!]);
  const flat = physicalList(rows, layout, [0, 0]).flat();
  const table = c.store("pads", { tensor: { dtype: "int32", shape: [layout.length, 2], data: Int32Array.from(flat) } });
  const y = c.write(0, layout);
  if (mode === "reflect") {
    c.emit("MIRROR_PAD", [x, table], [y], tfliteOptions("MirrorPadOptions", { mode: "REFLECT" }));
    return;
  }
  const fill = c.has(2) ? c.needConstant(2, "pad value") : null;
  const value = fill === null ? 0 : toNumbers(convertConstant(fill, "float").tensor)[0]!;
  if (value === 0) {
    c.emit("PAD", [x, table], [y], tfliteOptions("PadOptions"));
    return;
  }
  const shaped = { dtype: "float32", shape: [1], data: Float32Array.of(value) } as const;
  const stored = convertConstant({ tensor: shaped }, c.int8 ? c.outQuantization() : "as-is");
  c.emit("PADV2", [x, table, c.store("fill", stored)], [y], tfliteOptions("PadV2Options"));
}

function lowerGather(c: StepContext): void {
  const rank = c.shape(0).length;
  const axis = normalAxis(c.attr<number>("axis"), rank);
  const indices = c.shape(1);
  const plain = indices.length <= 1;
  // A vector of indices leaves the other axes alone, and one index takes its axis away: any layout does.
  const layout = !plain ? identityLayout(rank) : indices.length === 0 ? ownLayout(c) : own(c);
  const x = moved(c, 0, layout);
  const at = c.constant(1);
  const size = c.shape(0)[axis]!;
  const wrapped =
    at === null ? null : Int32Array.from(toNumbers(at.tensor), (index) => (index < 0 ? index + size : index));
  const which =
    wrapped === null
      ? c.placement.read(c.id(1), identityLayout(indices.length), "as-is", c.name)
      : c.store("indices", { tensor: { dtype: "int32", shape: indices, data: wrapped } });
  const kept = indices.length === 0 ? without(layout, [axis]) : layout;
  const y = c.write(0, plain ? kept : identityLayout(c.outShape().length));
  c.emit("GATHER", [x, which], [y], tfliteOptions("GatherOptions", { axis: layout.indexOf(axis), batchDims: 0 }));
}

function lowerExpand(c: StepContext): void {
  const layout = c.shape(0).length === c.outShape().length ? own(c) : identityLayout(c.outShape().length);
  const input = c.shape(0).length === c.outShape().length ? layout : identityLayout(c.shape(0).length);
  const x = moved(c, 0, input);
  const y = c.write(0, layout);
  c.emit(
    "BROADCAST_TO",
    [x, c.vector("shape", physicalShape(c.outShape(), layout))],
    [y],
    tfliteOptions("BroadcastToOptions"),
  );
}

function lowerTile(c: StepContext): void {
  const layout = own(c);
  const repeats = Array.from(toNumbers(c.needConstant(1, "repeat count").tensor));
  const x = moved(c, 0, layout);
  const y = c.write(0, layout);
  c.emit("TILE", [x, c.vector("multiples", physicalList(repeats, layout, 1))], [y], tfliteOptions("TileOptions"));
}

export const Transpose: Lowering = { lower: lowerTranspose, int8: true, int16: true };
export const Concat: Lowering = { lower: lowerConcat, int8: true, int16: true, wants: "output" };
export const Split: Lowering = { lower: lowerSplit, int8: true, int16: true, wants: "output" };
export const Slice: Lowering = { lower: lowerSlice, int8: true, int16: true, wants: "output" };
export const Pad: Lowering = { lower: lowerPad, int8: true, int16: true, wants: "output" };
export const Gather: Lowering = { lower: lowerGather, int8: true, int16: true, wants: "output" };
export const Expand: Lowering = { lower: lowerExpand, int8: true, int16: true };
export const Tile: Lowering = { lower: lowerTile, int8: true, int16: true, wants: "output" };
