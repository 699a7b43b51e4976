import { shapeText, type ValueId } from "../../../ir/index.ts";
import { int64s } from "../../../tensor/index.ts";
import type { OperatorReaders, Step } from "./step.ts";

/** The target comes from input 1, or from the options in old files, where [0] stands for a scalar. */
function reshape(s: Step): void {
  if (s.inputCount > 1 && s.has(1)) {
    const shape = s.vector(1);
    const known = s.builder.sizes(shape);
    s.put(0, s.node("Reshape", [s.real(0), shape], known?.includes(0) === true ? { allowzero: 1 } : {}));
    return;
  }
  const given = s.options("ReshapeOptions").newShape ?? [];
  const wanted = given.length === 1 && given[0] === 0 ? [] : given;
  s.put(0, s.node("Reshape", [s.real(0), s.longs(wanted)], wanted.includes(0) ? { allowzero: 1 } : {}));
}

function squeeze(s: Step): void {
  const shape = s.shape(0);
  const given = s.options("SqueezeOptions").squeezeDims ?? [];
  if (given.length === 0 && shape.some((dim) => typeof dim !== "number"))
    s.refuse(
      `SQUEEZE of every axis of size 1 of ${shapeText(shape)} depends on the batch`,
      "Fix the batch: --input name:1,...",
    );
  const axes =
    given.length > 0 && shape.length > 0
      ? given.map((axis) => s.axis(axis, shape.length))
      : shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
  if (axes.length === 0) s.pass(0, 0);
  else s.put(0, s.node("Squeeze", [s.real(0), s.longs(axes)]));
}

function expandDims(s: Step): void {
  s.put(0, s.node("Unsqueeze", [s.real(0), s.longs([s.axis(s.int(1), s.rank(0) + 1)])]));
}

function transpose(s: Step): void {
  const perm = s.ints(1).map((axis) => s.axis(axis, s.rank(0)));
  if (perm.length !== s.rank(0)) s.fail(`TRANSPOSE of a tensor of rank ${s.rank(0)} by [${perm.join(", ")}]`);
  s.put(0, s.node("Transpose", [s.real(0)], { perm }));
}

/** Sizes stay int64, ONNX's type for them, also where the file has int32. */
function shapeOf(s: Step): void {
  const static_ = s.shape(0);
  const numbers = static_.filter((dim): dim is number => typeof dim === "number");
  if (numbers.length === static_.length) s.putRaw(0, s.constant("shape", int64s(numbers)));
  else s.putRaw(0, s.node("Shape", [s.real(0)]));
}

function pack(s: Step): void {
  const { axis } = s.options("PackOptions");
  const at = s.axis(axis, s.rank(0) + 1);
  const parts = s.matched(s.reals()).map((x) => s.node("Unsqueeze", [x, s.longs([at])]));
  s.put(0, parts.length === 1 ? parts[0]! : s.node("Concat", parts, { axis: at }));
}

function unpack(s: Step): void {
  const at = s.axis(s.options("UnpackOptions").axis, s.rank(0));
  if (s.dim(0, at) !== s.outputCount)
    s.fail(`UNPACK of ${shapeText(s.shape(0))} along axis ${at} into ${s.outputCount}`);
  parts(s, s.real(0), at, new Array<number>(s.outputCount).fill(1)).forEach((part, o) => {
    s.put(o, s.node("Squeeze", [part, s.longs([at])]));
  });
}

/** The only part of a tensor, or its parts along an axis. */
function putParts(s: Step, input: number, axis: number, sizes: readonly number[]): void {
  if (sizes.length === 1) s.pass(0, input);
  else for (const [o, part] of parts(s, s.real(input), axis, sizes).entries()) s.put(o, part);
}

/** Consecutive slices of the given sizes along an axis. */
export function parts(s: Step, x: ValueId, axis: number, sizes: readonly number[]): ValueId[] {
  return sizes.length === 1 ? [x] : s.nodes("Split", [x, s.longs(sizes)], { axis }, sizes.length);
}

/** Inputs: axis, then the tensor. */
function split(s: Step): void {
  const axis = s.axis(s.int(0), s.rank(1));
  const size = s.dim(1, axis);
  if (s.outputCount === 0 || size % s.outputCount !== 0) s.fail(`SPLIT of ${size} into ${s.outputCount} equal parts`);
  const sizes = new Array<number>(s.outputCount).fill(size / s.outputCount);
  putParts(s, 1, axis, sizes);
}

/** Inputs: tensor, sizes (one may be -1), axis. */
function splitV(s: Step): void {
  const axis = s.axis(s.int(2), s.rank(0));
  const sizes = s.ints(1);
  const free = sizes.indexOf(-1);
  if (free >= 0) sizes[free] = s.dim(0, axis) - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  if (sizes.length !== s.outputCount) s.fail(`SPLIT_V into ${sizes.length} sizes with ${s.outputCount} outputs`);
  putParts(s, 0, axis, sizes);
}

function concatenation(s: Step): void {
  const o = s.options("ConcatenationOptions");
  if (o.fusedActivationFunction !== "NONE")
    s.refuse(`CONCATENATION with the activation ${o.fusedActivationFunction} is not supported`);
  if (s.inputCount === 1) s.pass(0, 0);
  else s.put(0, s.node("Concat", s.matched(s.reals()), { axis: s.axis(o.axis, s.rank(0)) }));
}

const repeated = (op: "Tile" | "Expand") => ({
  read: (s: Step) => s.put(0, s.node(op, [s.real(0), s.vector(1)])),
  gives: [op],
});

export const SHAPES: OperatorReaders = {
  RESHAPE: { read: reshape, gives: ["Reshape"] },
  SQUEEZE: { read: squeeze, gives: ["Squeeze"] },
  EXPAND_DIMS: { read: expandDims, gives: ["Unsqueeze"] },
  TRANSPOSE: { read: transpose, gives: ["Transpose"] },
  SHAPE: { read: shapeOf, gives: ["Shape"] },
  PACK: { read: pack, gives: ["Unsqueeze", "Concat"] },
  UNPACK: { read: unpack, gives: ["Split", "Squeeze"] },
  SPLIT: { read: split, gives: ["Split"] },
  SPLIT_V: { read: splitV, gives: ["Split"] },
  CONCATENATION: { read: concatenation, gives: ["Concat"] },
  TILE: repeated("Tile"),
  BROADCAST_TO: repeated("Expand"),
};
