import { EspalierError } from "../../../diagnostics/index.ts";
import { type Dim, shapeText, type ValueId } from "../../../ir/index.ts";
import { dimsOf, ints, intsOf, op, rankOf, shapeOf, squeeze, unsqueeze } from "../emit/scope.ts";
import type { NodeContext } from "./context.ts";

/** Beyond every size: ONNX Slice clamps it to the end (or, negative, to before the beginning). */
const far = Number.MAX_SAFE_INTEGER;

interface Range {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function sliced(c: NodeContext, x: ValueId, ranges: readonly Range[]): ValueId {
  if (ranges.length === 0) return x;
  const list = (name: string, of: (range: Range) => number) => ints(c, name, ranges.map(of));
  return op(c, "Slice", [
    x,
    list("starts", (range) => range.start),
    list("ends", (range) => range.end),
    list("axes", (range) => range.axis),
    list("steps", (range) => range.step),
  ]);
}

/** Slice: inputs x, begin, size; a size of -1 is to the end. */
export function slice(c: NodeContext): ValueId {
  const x = c.input(0);
  const shape = shapeOf(c, x);
  const begin = intsOf(c, c.input(1), "The begin of Slice");
  const size = dimsOf(c, c.input(2), "The size of Slice");
  if (begin.length !== shape.length || size.length !== shape.length)
    throw new EspalierError(
      "input",
      `Slice of ${shapeText(shape)} has a begin ${shapeText(begin)} and a size ${shapeText(size)}`,
    );
  const ranges = begin.flatMap((start, axis): Range[] => {
    const count = size[axis]!;
    const whole = start === 0 && (count === -1 || count === shape[axis]);
    if (whole) return [];
    if (typeof count === "string")
      throw new EspalierError("unsupported", `Slice of axis ${axis} by the batch is not supported`);
    return [{ axis, start, end: count === -1 ? far : start + count, step: 1 }];
  });
  return sliced(c, x, ranges);
}

interface Specification {
  readonly begin: readonly Dim[];
  readonly end: readonly Dim[];
  readonly strides: readonly number[];
  readonly mask: (name: string, i: number) => boolean;
}

function specificationOf(c: NodeContext): Specification {
  const begin = dimsOf(c, c.input(1), "The begin of StridedSlice");
  const end = dimsOf(c, c.input(2), "The end of StridedSlice");
  const strides = intsOf(c, c.input(3), "The strides of StridedSlice");
  if (begin.length !== end.length || begin.length !== strides.length || begin.length > 32 || strides.includes(0))
    throw new EspalierError(
      "input",
      `StridedSlice from ${shapeText(begin)} to ${shapeText(end)} by ${shapeText(strides)} is malformed`,
    );
  return { begin, end, strides, mask: (name, i) => ((c.attrs.int(name, 0) >>> i) & 1) === 1 };
}

/** The range of one axis, or null when it is whole; a symbol as an end is the size of its axis. */
function rangeOf(spec: Specification, i: number, axis: number, size: Dim): Range | null {
  const step = spec.strides[i]!;
  const bound = (value: Dim): number => {
    if (typeof value === "number") return value;
    if (value === size) return far;
    throw new EspalierError("unsupported", `StridedSlice of axis ${axis} by the batch is not supported`);
  };
  if (spec.mask("shrink_axis_mask", i)) {
    const start = bound(spec.begin[i]!);
    return { axis, start, end: start === -1 ? far : start + 1, step: 1 };
  }
  const start = spec.mask("begin_mask", i) ? (step > 0 ? 0 : far) : bound(spec.begin[i]!);
  const end = spec.mask("end_mask", i) ? (step > 0 ? far : -far) : bound(spec.end[i]!);
  const whole = start === 0 && step === 1 && (end === far || end === size);
  return whole ? null : { axis, start, end, step };
}

/** StridedSlice with all its masks (TensorFlow, tf.strided_slice). */
export function stridedSlice(c: NodeContext): ValueId {
  const x = c.input(0);
  const spec = specificationOf(c);
  const shape = shapeOf(c, x);
  const kinds = spec.begin.map((_, i) =>
    spec.mask("ellipsis_mask", i) ? "rest" : spec.mask("new_axis_mask", i) ? "new" : "axis",
  );
  const named = kinds.filter((kind) => kind === "axis").length;
  if (named > rankOf(c, x) || kinds.indexOf("rest") !== kinds.lastIndexOf("rest"))
    throw new EspalierError("input", `StridedSlice of ${shapeText(shape)} names ${named} axes`);
  const ranges: Range[] = [];
  const shrunk: number[] = [];
  const added: number[] = [];
  let axis = 0;
  let position = 0; // in the result
  for (const [i, kind] of kinds.entries()) {
    if (kind === "rest") {
      axis += shape.length - named;
      position += shape.length - named;
    } else if (kind === "new") added.push(position++);
    else {
      const range = rangeOf(spec, i, axis, shape[axis]!);
      if (range !== null) ranges.push(range);
      if (spec.mask("shrink_axis_mask", i)) shrunk.push(axis);
      else position++;
      axis++;
    }
  }
  return unsqueeze(c, squeeze(c, sliced(c, x, ranges), shrunk), added);
}
