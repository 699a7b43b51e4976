import { EspalierError } from "../../../diagnostics/index.ts";
import { normalAxis, shapeText, type ValueId } from "../../../ir/index.ts";
import { resize } from "../emit/resize.ts";
import {
  cast,
  channelsLast,
  ints,
  op,
  promoted,
  rankOf,
  reduce,
  type Scope,
  scalarLike,
  shapeOf,
  sizeAt,
  squeeze,
  transpose,
  unsqueeze,
} from "../emit/scope.ts";
import { isLast, type LayerContext, type LayerReader, type LayerReaders, unary } from "./context.ts";

function flatten(c: LayerContext, x: ValueId): ValueId {
  const rank = rankOf(c, x);
  return op(c, "Flatten", [!isLast(c) && rank > 2 ? channelsLast(c, x) : x], { axis: 1 });
}

/** A reshape that keeps the batch. */
function reshapeKeepingBatch(c: LayerContext, x: ValueId): ValueId {
  const given = c.config.raw("target_shape"); // TF.js writes -1 as null
  const wanted = c.config.axes("target_shape", Array.isArray(given) ? given.map((dim: unknown) => dim ?? -1) : given);
  if (wanted === null) throw new EspalierError("input", 'Reshape needs a "target_shape"');
  const total = shapeOf(c, x)
    .slice(1)
    .reduce((product: number, _, i) => product * sizeAt(c, x, i + 1), 1);
  const known = wanted.reduce((product, dim) => product * (dim < 0 ? 1 : dim), 1);
  const shape = wanted.map((dim) => (dim < 0 ? total / known : dim));
  if (
    wanted.filter((dim) => dim < 0).length > 1 ||
    shape.reduce((a, b) => a * b, 1) !== total ||
    !shape.every(Number.isInteger)
  )
    throw new EspalierError(
      "input",
      `Cannot reshape ${shapeText(shapeOf(c, x))} to ${shapeText(wanted)} for each sample`,
    );
  return op(c, "Reshape", [x, ints(c, "shape", [0, ...shape])]);
}

function permute(c: LayerContext, x: ValueId): ValueId {
  return transpose(c, x, [0, ...(c.config.axes("dims") ?? [])]);
}

function repeatVector(c: LayerContext, x: ValueId): ValueId {
  return op(c, "Tile", [unsqueeze(c, x, [1]), ints(c, "repeats", [1, c.config.int("n", 1), 1])]);
}

/** [[top, bottom], [left, right]]; one number, or one a side pair, stands for more. */
function borders(c: LayerContext, key: string): [number, number][] {
  const value = c.config.raw(key) ?? 1;
  const rows = Array.isArray(value) ? (value as unknown[]) : [value, value];
  const pairs = rows.map((row) => (Array.isArray(row) ? (row as unknown[]) : [row, row]));
  if (
    pairs.length !== 2 ||
    pairs.some((pair) => pair.length !== 2 || pair.some((size) => !Number.isInteger(size) || (size as number) < 0))
  )
    throw new EspalierError(
      "input",
      `"${key}" must be [[top, bottom], [left, right]], got ${JSON.stringify(value).slice(0, 80)}`,
    );
  return pairs as [number, number][];
}

function zeroPadding(c: LayerContext, x: ValueId): ValueId {
  const pairs = borders(c, "padding");
  const rest = rankOf(c, x) - 3;
  const side = (i: 0 | 1) => {
    const own = pairs.map((pair) => pair[i]);
    return isLast(c)
      ? [0, ...own, ...new Array<number>(rest).fill(0)]
      : [0, ...new Array<number>(rest).fill(0), ...own];
  };
  return op(c, "Pad", [x, ints(c, "pads", [...side(0), ...side(1)])]);
}

function cropping(c: LayerContext, x: ValueId): ValueId {
  const pairs = borders(c, "cropping");
  const axes = isLast(c) ? [1, 2] : [2, 3];
  const ends = axes.map((axis, i) => sizeAt(c, x, axis) - pairs[i]![1]);
  const starts = pairs.map((pair) => pair[0]);
  return op(c, "Slice", [x, ints(c, "starts", starts), ints(c, "ends", ends), ints(c, "axes", axes)]);
}

/** TF.js resizes without half-pixel centres, also bilinearly (tfjs-layers, UpSampling2D.call). */
function upSampling(c: LayerContext, x: ValueId): ValueId {
  const interpolation = c.config.text("interpolation", "nearest");
  if (interpolation !== "nearest" && interpolation !== "bilinear")
    throw new EspalierError("unsupported", `The interpolation "${interpolation}" is not supported`, {
      hint: "Supported: nearest, bilinear.",
    });
  const last = isLast(c);
  const sizes = c.config.list("size", 2, 2).map((factor, i) => factor * sizeAt(c, x, (last ? 1 : 2) + i));
  const mode = interpolation === "bilinear" ? "linear" : "nearest";
  return resize(c, x, sizes, { mode, coordinates: "asymmetric", last });
}

/** Operands of one rank: lower ones get axes after the batch (tfjs-layers, Merge.call). */
function aligned(c: LayerContext, inputs: readonly ValueId[]): ValueId[] {
  if (inputs.length < 2)
    throw new EspalierError("input", `${c.className} takes at least 2 inputs, it is called on ${inputs.length}`);
  const rank = Math.max(...inputs.map((id) => rankOf(c, id)));
  const missing = (id: ValueId) => Array.from({ length: rank - rankOf(c, id) }, (_, i) => i + 1);
  return promoted(
    c,
    inputs.map((id) => unsqueeze(c, id, missing(id))),
  );
}

function merge(type: string): LayerReader {
  return (c, inputs) => aligned(c, inputs).reduce((a, b) => op(c, type, [a, b]));
}

const average: LayerReader = (c, inputs) => {
  const sum = aligned(c, inputs).reduce((a, b) => op(c, "Add", [a, b]));
  return op(c, "Mul", [sum, scalarLike(c, sum, 1 / inputs.length)]);
};

const subtract: LayerReader = (c, inputs) => {
  if (inputs.length !== 2)
    throw new EspalierError("input", `Subtract takes 2 inputs, it is called on ${inputs.length}`);
  return op(c, "Sub", aligned(c, inputs));
};

const concatenate: LayerReader = (c, inputs) =>
  inputs.length === 1 ? inputs[0]! : op(c, "Concat", promoted(c, inputs), { axis: c.config.int("axis", -1) });

/** x / sqrt(max(sum of squares, 1e-7)) (tfjs-layers, l2Normalize). */
function normalized(s: Scope, x: ValueId, axis: number): ValueId {
  const squares = reduce(s, "ReduceSum", op(s, "Mul", [x, x]), [axis], true);
  return op(s, "Div", [x, op(s, "Sqrt", [op(s, "Max", [squares, scalarLike(s, x, 1e-7)])])]);
}

/** Sum of products over one axis of each operand, sample by sample. */
const dot: LayerReader = (c, inputs) => {
  const ranks = inputs.map((id) => rankOf(c, id));
  if (ranks.length !== 2 || ranks.some((rank) => rank < 2 || rank > 3))
    throw new EspalierError("unsupported", `Dot takes 2 inputs of rank 2 or 3, got ranks ${ranks.join(", ")}`);
  const given = c.config.axes("axes") ?? [-1];
  const axes = ranks.map((rank, i) => normalAxis(given.length === 1 ? given[0]! : (given[i] ?? -1), rank));
  const operands = inputs.map((id, i) => (c.config.bool("normalize", false) ? normalized(c, id, axes[i]!) : id));
  // The contracted axis goes last on the left and second on the right; a matrix of one row or column stands for a vector.
  const rows =
    ranks[0] === 2
      ? unsqueeze(c, operands[0]!, [1])
      : axes[0] === 2
        ? operands[0]!
        : transpose(c, operands[0]!, [0, 2, 1]);
  const columns =
    ranks[1] === 2
      ? unsqueeze(c, operands[1]!, [2])
      : axes[1] === 1
        ? operands[1]!
        : transpose(c, operands[1]!, [0, 2, 1]);
  const y = op(c, "MatMul", [rows, columns]);
  if (ranks[0] === 2) return ranks[1] === 2 ? squeeze(c, y, [2]) : squeeze(c, y, [1]);
  return ranks[1] === 2 ? squeeze(c, y, [2]) : y;
};

function rescaling(c: LayerContext, x: ValueId): ValueId {
  const float = cast(c, x, "float32");
  const scaled = op(c, "Mul", [float, scalarLike(c, float, c.config.number("scale", 1))]);
  const offset = c.config.number("offset", 0);
  return offset === 0 ? scaled : op(c, "Add", [scaled, scalarLike(c, float, offset)]);
}

/** Layers that move, merge or resize. */
export const SHAPE: LayerReaders = {
  Add: merge("Add"),
  Average: average,
  Concatenate: concatenate,
  Cropping2D: unary(cropping),
  Dot: dot,
  Flatten: unary(flatten),
  Maximum: merge("Max"),
  Minimum: merge("Min"),
  Multiply: merge("Mul"),
  Permute: unary(permute),
  RepeatVector: unary(repeatVector),
  Rescaling: unary(rescaling),
  Reshape: unary(reshapeKeepingBatch),
  Subtract: subtract,
  UpSampling2D: unary(upSampling),
  ZeroPadding2D: unary(zeroPadding),
};
