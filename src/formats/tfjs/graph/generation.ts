import { EspalierError } from "../../../diagnostics/index.ts";
import { shapeText, type ValueId } from "../../../ir/index.ts";
import { type DType, float32, fromNumbers, scalar, toNumbers } from "../../../tensor/index.ts";
import { resize } from "../emit/resize.ts";
import {
  asInt64,
  constant,
  dtypeOf,
  ints,
  intsOf,
  op,
  promoted,
  rankOf,
  reshape,
  scalarLike,
  shapeOf,
  sizeAt,
  transpose,
  unsqueeze,
} from "../emit/scope.ts";
import { around } from "../emit/window.ts";
import type { NodeContext, OpReader, OpReaders } from "./context.ts";
import { dtypeOfTf } from "./dtype.ts";

/** Most elements of a constant that the reader makes itself. */
const mostElements = 2 ** 20;

/** One number everywhere in the shape of x, also where x is NaN and where the batch is open. */
function like(value: number): OpReader {
  return (c) => {
    const x = c.input(0);
    const number = scalarLike(c, x, value);
    const shape = shapeOf(c, x);
    if (shape.every((dim) => typeof dim === "number"))
      return op(c, "Expand", [number, ints(c, "shape", shape as number[])]);
    return op(c, "Where", [op(c, "Equal", [x, x]), number, number]);
  };
}

function fill(c: NodeContext): ValueId {
  return op(c, "Expand", [reshape(c, c.input(1), []), asInt64(c, c.input(0))]);
}

function filled(value: number): OpReader {
  return (c) => {
    const dtype: DType = dtypeOfTf(c.attrs.type("T") ?? "DT_FLOAT");
    return op(c, "Expand", [constant(c, "value", scalar(dtype, value)), asInt64(c, c.input(0))]);
  };
}

function range(c: NodeContext): ValueId {
  const operands = promoted(c, [c.input(0), c.input(1), c.input(2)]);
  return op(
    c,
    "Range",
    operands.map((id) => reshape(c, id, [])),
  );
}

function numberOf(c: NodeContext, i: number): number {
  const { data } = c.builder.value(c.input(i));
  const value = data === undefined ? undefined : toNumbers(data)[0];
  if (value === undefined)
    throw new EspalierError("unsupported", `Input ${i} of ${c.op} must be a constant, it is computed`);
  return value;
}

/** `count` numbers from start to stop, both included (TF.js, linspace_impl). */
function linSpace(c: NodeContext): ValueId {
  const [start, stop, count] = [numberOf(c, 0), numberOf(c, 1), numberOf(c, 2)];
  if (!(Number.isInteger(count) && count >= 1 && count <= mostElements))
    throw new EspalierError("input", `LinSpace of ${count} numbers is not possible, 1 to ${mostElements} are`);
  const step = count === 1 ? 0 : (stop - start) / (count - 1);
  return constant(
    c,
    "linspace",
    float32(
      [count],
      Array.from({ length: count }, (_, i) => start + i * step),
    ),
  );
}

/** Positions that are no class (also negative ones) have no one, unlike in ONNX's OneHot. */
function oneHot(c: NodeContext): ValueId {
  const depth = numberOf(c, 1);
  if (!(Number.isInteger(depth) && depth >= 1 && depth <= mostElements))
    throw new EspalierError("input", `OneHot of ${depth} classes is not possible, 1 to ${mostElements} are`);
  const indices = c.input(0);
  const axis = c.attrs.int("axis", -1);
  const rank = rankOf(c, indices);
  const classes = constant(
    c,
    "classes",
    fromNumbers(
      dtypeOf(c, indices),
      [depth],
      Array.from({ length: depth }, (_, i) => i),
    ),
  );
  const hits = op(c, "Equal", [unsqueeze(c, indices, [-1]), classes]);
  const [on, off] = promoted(c, [c.input(2), c.input(3)]) as [ValueId, ValueId];
  const hot = op(c, "Where", [hits, on, off]);
  if (axis === -1 || axis === rank) return hot;
  if (axis < 0 || axis > rank) throw new EspalierError("input", `OneHot has axis ${axis}, -1 to ${rank} are possible`);
  return transpose(c, hot, [
    ...Array.from({ length: axis }, (_, i) => i),
    rank,
    ...Array.from({ length: rank - axis }, (_, i) => axis + i),
  ]);
}

function resized(mode: "linear" | "nearest"): OpReader {
  return (c) => {
    const corners = c.attrs.bool("align_corners", false);
    const half = c.attrs.bool("half_pixel_centers", false);
    if (corners && half) throw new EspalierError("input", "align_corners and half_pixel_centers exclude each other");
    const coordinates = corners ? "align_corners" : half ? "half_pixel" : "asymmetric";
    return resize(c, c.input(0), intsOf(c, c.input(1), "The size of a resize"), { mode, coordinates, last: true });
  };
}

function depthToSpace(c: NodeContext): ValueId {
  const last = c.attrs.text("data_format", "NHWC") !== "NCHW";
  const attrs = { blocksize: c.attrs.int("block_size", 1), mode: "DCR" };
  return around(c, c.input(0), last, (x) => op(c, "DepthToSpace", [x], attrs));
}

function spaceToDepth(c: NodeContext): ValueId {
  const last = c.attrs.text("data_format", "NHWC") !== "NCHW";
  return around(c, c.input(0), last, (x) => op(c, "SpaceToDepth", [x], { blocksize: c.attrs.int("block_size", 1) }));
}

function blocksOf(c: NodeContext): { blocks: number[]; amounts: number[] } {
  const blocks = intsOf(c, c.input(1), `The block shape of ${c.op}`);
  const amounts = intsOf(c, c.input(2), `The paddings or crops of ${c.op}`);
  const rank = rankOf(c, c.input(0));
  if (
    blocks.length < 1 ||
    blocks.length >= rank ||
    amounts.length !== 2 * blocks.length ||
    blocks.some((size) => size < 1)
  )
    throw new EspalierError(
      "input",
      `${c.op} of ${shapeText(shapeOf(c, c.input(0)))} has blocks ${shapeText(blocks)} and amounts ${shapeText(amounts)}`,
    );
  return { blocks, amounts };
}

/** Blocks of the spatial axes move into the batch (TensorFlow, tf.space_to_batch_nd). */
function spaceToBatch(c: NodeContext): ValueId {
  const { blocks, amounts } = blocksOf(c);
  const rank = rankOf(c, c.input(0));
  const rest = rank - 1 - blocks.length;
  const begins = [0, ...blocks.map((_, i) => amounts[2 * i]!), ...new Array<number>(rest).fill(0)];
  const ends = [0, ...blocks.map((_, i) => amounts[2 * i + 1]!), ...new Array<number>(rest).fill(0)];
  const x = op(c, "Pad", [c.input(0), ints(c, "pads", [...begins, ...ends])]);
  const sizes = Array.from({ length: rank }, (_, axis) => sizeAt(c, x, axis));
  const split = reshape(c, x, [
    sizes[0]!,
    ...blocks.flatMap((block, i) => [sizes[i + 1]! / block, block]),
    ...sizes.slice(1 + blocks.length),
  ]);
  const perm = [
    ...blocks.map((_, i) => 2 + 2 * i),
    0,
    ...blocks.map((_, i) => 1 + 2 * i),
    ...Array.from({ length: rest }, (_, i) => 1 + 2 * blocks.length + i),
  ];
  const area = blocks.reduce((a, b) => a * b, 1);
  return reshape(c, transpose(c, split, perm), [
    sizes[0]! * area,
    ...blocks.map((block, i) => sizes[i + 1]! / block),
    ...sizes.slice(1 + blocks.length),
  ]);
}

/** The inverse: blocks of the batch move into the spatial axes, which are then cropped (tf.batch_to_space_nd). */
function batchToSpace(c: NodeContext): ValueId {
  const { blocks, amounts } = blocksOf(c);
  const x = c.input(0);
  const rank = rankOf(c, x);
  const m = blocks.length;
  const sizes = Array.from({ length: rank }, (_, axis) => sizeAt(c, x, axis));
  const batch = sizes[0]! / blocks.reduce((a, b) => a * b, 1);
  const split = reshape(c, x, [...blocks, batch, ...sizes.slice(1)]);
  const perm = [
    m,
    ...blocks.flatMap((_, i) => [m + 1 + i, i]),
    ...Array.from({ length: rank - 1 - m }, (_, i) => 2 * m + 1 + i),
  ];
  const merged = reshape(c, transpose(c, split, perm), [
    batch,
    ...blocks.map((block, i) => sizes[i + 1]! * block),
    ...sizes.slice(1 + m),
  ]);
  const axes = blocks.map((_, i) => i + 1);
  const starts = blocks.map((_, i) => amounts[2 * i]!);
  const ends = blocks.map((block, i) => sizes[i + 1]! * block - amounts[2 * i + 1]!);
  return op(c, "Slice", [merged, ints(c, "starts", starts), ints(c, "ends", ends), ints(c, "axes", axes)]);
}

/** Rank and sizes of a value; sizes are int64 here, which keeps the batch's symbol in them. */
const rankReader: OpReader = (c) => constant(c, "rank", scalar("int32", rankOf(c, c.input(0))));

/** Operators that make values from shapes and numbers, and those that resize or rearrange images. */
export const GENERATION: OpReaders = {
  BatchToSpaceND: batchToSpace,
  DepthToSpace: depthToSpace,
  Fill: fill,
  LinSpace: linSpace,
  OneHot: oneHot,
  Ones: filled(1),
  OnesLike: like(1),
  Range: range,
  Rank: rankReader,
  ResizeBilinear: resized("linear"),
  ResizeNearestNeighbor: resized("nearest"),
  Shape: (c) => op(c, "Shape", [c.input(0)]),
  ShapeN: (c) => c.inputs.map((id) => op(c, "Shape", [id])),
  Size: (c) => op(c, "Size", [c.input(0)]),
  SpaceToBatchND: spaceToBatch,
  SpaceToDepth: spaceToDepth,
  Zeros: filled(0),
  ZerosLike: like(0),
};
