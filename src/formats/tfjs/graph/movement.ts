import { EspalierError } from "../../../diagnostics/index.ts";
import { normalAxis, shapeText, type ValueId } from "../../../ir/index.ts";
import { int64s, scalar, toNumbers } from "../../../tensor/index.ts";
import {
  asInt64,
  cast,
  constant,
  dtypeOf,
  ints,
  intsOf,
  op,
  ops,
  promoted,
  rankOf,
  reshape,
  shapeOf,
  sizeAt,
  squeeze,
  transpose,
  unsqueeze,
} from "../emit/scope.ts";
import type { NodeContext, OpReaders } from "./context.ts";
import { slice, stridedSlice } from "./slice.ts";

/** A size of 0 in TensorFlow's Reshape is a size of 0, not a copied one. */
function reshaped(c: NodeContext): ValueId {
  const shape = asInt64(c, c.input(1));
  const { data } = c.builder.value(shape);
  const empty = data !== undefined && toNumbers(data).includes(0);
  return op(c, "Reshape", [c.input(0), shape], empty ? { allowzero: 1 } : {});
}

function squeezed(c: NodeContext): ValueId {
  const x = c.input(0);
  const given = [...c.attrs.ints("squeeze_dims"), ...c.attrs.ints("axis")].map((axis) =>
    normalAxis(axis, rankOf(c, x)),
  );
  return squeeze(c, x, given.length > 0 ? given : shapeOf(c, x).flatMap((dim, i) => (dim === 1 ? [i] : [])));
}

function expandDims(c: NodeContext): ValueId {
  return unsqueeze(c, c.input(0), [intsOf(c, c.input(1), "The axis of ExpandDims")[0]!]);
}

function pack(c: NodeContext): ValueId {
  const ids = promoted(c, [c.input(0), ...c.inputs.slice(1)]);
  const axis = c.attrs.int("axis", 0);
  return op(
    c,
    "Concat",
    ids.map((id) => unsqueeze(c, id, [axis])),
    { axis },
  );
}

function unpack(c: NodeContext): readonly ValueId[] {
  const x = c.input(0);
  const axis = normalAxis(c.attrs.int("axis", 0), rankOf(c, x));
  const count = sizeAt(c, x, axis);
  return parts(c, x, axis, new Array<number>(count).fill(1)).map((part) => squeeze(c, part, [axis]));
}

const mostParts = 1024;

function parts(c: NodeContext, x: ValueId, axis: number, sizes: readonly number[]): ValueId[] {
  if (sizes.length > mostParts)
    throw new EspalierError(
      "unsupported",
      `${c.op} into ${sizes.length} parts is not supported, at most ${mostParts} are`,
    );
  if (sizes.length === 1) return [x];
  return ops(c, "Split", [x, ints(c, "sizes", sizes)], { axis }, sizes.length);
}

/** Inputs: axis, x. */
function split(c: NodeContext): readonly ValueId[] {
  const x = c.input(1);
  const axis = normalAxis(intsOf(c, c.input(0), "The axis of Split")[0]!, rankOf(c, x));
  const count = c.attrs.int("num_split", 1);
  const size = sizeAt(c, x, axis);
  if (count < 1 || count > mostParts || size % count !== 0)
    throw new EspalierError(
      "input",
      `Cannot split ${shapeText(shapeOf(c, x))} into ${count} equal parts on axis ${axis}`,
    );
  return parts(c, x, axis, new Array<number>(count).fill(size / count));
}

/** Inputs: x, sizes (one may be -1), axis. */
function splitV(c: NodeContext): readonly ValueId[] {
  const x = c.input(0);
  const axis = normalAxis(intsOf(c, c.input(2), "The axis of SplitV")[0]!, rankOf(c, x));
  const sizes = intsOf(c, c.input(1), "The sizes of SplitV");
  const known = sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  return parts(
    c,
    x,
    axis,
    sizes.map((size) => (size === -1 ? sizeAt(c, x, axis) - known : size)),
  );
}

function concat(c: NodeContext, values: readonly ValueId[], axis: ValueId): ValueId {
  const [at] = intsOf(c, axis, `The axis of ${c.op}`);
  const ids = promoted(c, values);
  return ids.length === 1 ? ids[0]! : op(c, "Concat", ids, { axis: at! });
}

function gather(c: NodeContext): ValueId {
  const [x, indices] = [c.input(0), c.input(1)];
  const axis = c.inputs.length > 2 ? intsOf(c, c.input(2), "The axis of GatherV2")[0]! : 0;
  const batch = c.attrs.int("batch_dims", 0);
  if (batch === 0) return op(c, "Gather", [x, indices], { axis });
  if (normalAxis(axis, rankOf(c, x)) !== batch || batch < 0)
    throw new EspalierError("unsupported", `GatherV2 with batch_dims ${batch} on axis ${axis} is not supported`, {
      hint: "Only an axis that follows the batch axes directly is.",
    });
  return op(c, "GatherND", [x, unsqueeze(c, asInt64(c, indices), [-1])], { batch_dims: batch });
}

/** Paddings as [begins..., ends...]. */
function padsOf(c: NodeContext): number[] {
  const rank = rankOf(c, c.input(0));
  const flat = intsOf(c, c.input(1), `The paddings of ${c.op}`);
  if (flat.length !== 2 * rank)
    throw new EspalierError("input", `${c.op} of rank ${rank} needs ${2 * rank} paddings, got ${flat.length}`);
  return [...flat.filter((_, i) => i % 2 === 0), ...flat.filter((_, i) => i % 2 === 1)];
}

function pad(c: NodeContext): ValueId {
  const x = c.input(0);
  const value = c.inputs.length > 2 ? cast(c, c.input(2), dtypeOf(c, x)) : null;
  const flat = value === null ? [] : [reshape(c, value, [])];
  return op(c, "Pad", [x, ints(c, "pads", padsOf(c)), ...flat]);
}

/** Positions of one axis with `before` and `after` more, mirrored; SYMMETRIC repeats the edge, REFLECT does not. */
function mirrored(size: number, before: number, after: number, symmetric: boolean): number[] {
  const skip = symmetric ? 0 : 1;
  const head = Array.from({ length: before }, (_, i) => before - 1 - i + skip);
  const tail = Array.from({ length: after }, (_, i) => size - 1 - i - skip);
  return [...head, ...Array.from({ length: size }, (_, i) => i), ...tail];
}

function mirrorPad(c: NodeContext): ValueId {
  const pads = padsOf(c);
  const rank = pads.length / 2;
  const mode = c.attrs.text("mode", "REFLECT").toUpperCase();
  if (mode === "REFLECT") return op(c, "Pad", [c.input(0), ints(c, "pads", pads)], { mode: "reflect" });
  let x = c.input(0);
  for (let axis = 0; axis < rank; axis++) {
    const [before, after] = [pads[axis]!, pads[rank + axis]!];
    if (before === 0 && after === 0) continue;
    const size = sizeAt(c, x, axis);
    if (before < 0 || after < 0 || before > size || after > size)
      throw new EspalierError(
        "input",
        `MirrorPad of axis ${axis} of ${size} by ${before} and ${after} is out of range`,
      );
    x = op(c, "Gather", [x, constant(c, "mirror", int64s(mirrored(size, before, after, true)))], { axis });
  }
  return x;
}

function reversed(c: NodeContext, axes: readonly number[]): ValueId {
  if (axes.length === 0) return c.input(0);
  const all = (value: number) => ints(c, "slice", new Array<number>(axes.length).fill(value));
  return op(c, "Slice", [c.input(0), all(-1), all(-Number.MAX_SAFE_INTEGER), ints(c, "axes", axes), all(-1)]);
}

/** Inputs: indices, values, shape; values of the same position add up. */
function scatter(c: NodeContext): ValueId {
  const zero = constant(c, "zero", scalar(dtypeOf(c, c.input(1)), 0));
  const target = op(c, "Expand", [zero, asInt64(c, c.input(2))]);
  return op(c, "ScatterND", [target, asInt64(c, c.input(0)), c.input(1)], { reduction: "add" });
}

/** Operators that move elements. */
export const MOVEMENT: OpReaders = {
  BroadcastTo: (c) => op(c, "Expand", [c.input(0), asInt64(c, c.input(1))]),
  Concat: (c) => concat(c, c.inputs.slice(1), c.input(0)),
  ConcatV2: (c) => concat(c, c.inputs.slice(0, -1), c.input(c.inputs.length - 1)),
  ExpandDims: expandDims,
  Gather: gather,
  GatherNd: (c) => op(c, "GatherND", [c.input(0), asInt64(c, c.input(1))]),
  GatherV2: gather,
  MirrorPad: mirrorPad,
  Pack: pack,
  Pad: pad,
  PadV2: pad,
  Reshape: reshaped,
  Reverse: (c) =>
    reversed(
      c,
      intsOf(c, c.input(1), "The axes of Reverse").flatMap((flag, axis) => (flag === 0 ? [] : [axis])),
    ),
  ReverseV2: (c) => reversed(c, intsOf(c, c.input(1), "The axes of ReverseV2")),
  ScatterNd: scatter,
  Slice: slice,
  Split: split,
  SplitV: splitV,
  Squeeze: squeezed,
  StridedSlice: stridedSlice,
  TensorScatterUpdate: (c) => op(c, "ScatterND", [c.input(0), asInt64(c, c.input(1)), c.input(2)]),
  Tile: (c) => op(c, "Tile", [c.input(0), asInt64(c, c.input(1))]),
  Transpose: (c) => transpose(c, c.input(0), intsOf(c, c.input(1), "The permutation of Transpose")),
  Unpack: unpack,
};
