import { sizeOf } from "../tensor/index.ts";

/** One element's part, from the weight and what is known about it. */
export type ElementRule = (weight: number, evidence: number) => number;

/**
 * A rule added up (or its largest value) over all axes but the given ones: one number a position, row-major over `axes`. `w` and `g` have the
 * given shape.
 */
export function sumsAlong(
  shape: readonly number[],
  axes: readonly number[],
  w: Float32Array,
  g: Float32Array,
  rule: ElementRule,
  combine: "sum" | "max" = "sum",
): Float64Array {
  return axes.length === 1 && combine === "sum"
    ? sumsAlongAxis(shape, axes[0]!, w, g, rule)
    : sumsAlongAxes(shape, axes, w, g, rule, combine);
}

function sumsAlongAxis(
  shape: readonly number[],
  axis: number,
  w: Float32Array,
  g: Float32Array,
  rule: ElementRule,
): Float64Array {
  const size = shape[axis]!;
  const inner = sizeOf(shape.slice(axis + 1));
  const sums = new Float64Array(size);
  for (let at = 0, position = 0; at < w.length; position = position + 1 === size ? 0 : position + 1) {
    let sum = 0;
    for (const end = at + inner; at < end; at++) sum += rule(w[at]!, g[at]!);
    sums[position]! += sum;
  }
  return sums;
}

function sumsAlongAxes(
  shape: readonly number[],
  axes: readonly number[],
  w: Float32Array,
  g: Float32Array,
  rule: ElementRule,
  combine: "sum" | "max",
): Float64Array {
  const cells = sizeOf(axes.map((axis) => shape[axis]!));
  const sums = new Float64Array(cells).fill(combine === "max" ? Number.NEGATIVE_INFINITY : 0);
  const strides = new Array<number>(shape.length).fill(0);
  let step = 1;
  for (const axis of [...axes].reverse()) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  const index = new Array<number>(shape.length).fill(0);
  let cell = 0;
  for (let at = 0; at < w.length; at++) {
    const value = rule(w[at]!, g[at]!);
    sums[cell] = combine === "sum" ? sums[cell]! + value : Math.max(sums[cell]!, value);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      cell += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      cell -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return sums;
}
