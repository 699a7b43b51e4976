import { normalAxis } from "../ir/index.ts";
import { type OpContext, reducedAxes } from "../ops/index.ts";
import {
  allocate,
  fromNumbers,
  sizeOf,
  type Tensor,
  type TypedArray,
  tensor,
  toInts,
  toNumbers,
} from "../tensor/index.ts";
import { broadcastIndices, exactOperand, representable } from "./arithmetic.ts";
import { computeMatMul } from "./product.ts";

type Evaluator = (c: OpContext<never>, shape: readonly number[]) => Tensor | null;

/** The tensor seen as [outer, size, inner] around one axis. */
function around(shape: readonly number[], axis: number): { outer: number; size: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), size: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

function dataOf(c: OpContext<never>, i: number): Tensor {
  return c.inputs[i]!.data!;
}

/** Reductions in doubles, rounded once; integers only as far as doubles hold them exactly. */
function reduction(
  start: number,
  step: (sum: number, x: number) => number,
  finish: (sum: number, count: number) => number = (sum) => sum,
): Evaluator {
  return (c, shape) => {
    const x = dataOf(c, 0);
    const axes = reducedAxes(c as Parameters<typeof reducedAxes>[0]);
    const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
    const values = toNumbers(x);
    const sums = new Float64Array(sizeOf(kept)).fill(start);
    if (!exactOperand(x, values) || sums.length === 0 || values.length === 0) return null;
    broadcastIndices(kept, x.shape).forEach((at, i) => {
      sums[at] = step(sums[at]!, values[i]!);
    });
    const result = sums.map((sum) => finish(sum, values.length / sums.length));
    return representable(x.dtype, result) ? fromNumbers(x.dtype, shape, result) : null;
  };
}

/** Position of the extreme; the first of equal ones unless `select_last_index`. What a NaN's position would be is left to the runtime. */
function argument(better: (a: number, b: number) => boolean): Evaluator {
  return (c, shape) => {
    const x = dataOf(c, 0);
    const attrs = c.attrs as { readonly axis: number; readonly select_last_index: number };
    const { outer, size, inner } = around(x.shape, normalAxis(attrs.axis, x.shape.length));
    const values = toNumbers(x);
    if (!exactOperand(x, values) || size === 0 || values.some(Number.isNaN)) return null;
    const found = new Float64Array(outer * inner);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = (k: number) => values[(o * size + k) * inner + i]!;
        let best = 0;
        for (let k = 1; k < size; k++) {
          if (better(at(k), at(best)) || (attrs.select_last_index === 1 && at(k) === at(best))) best = k;
        }
        found[o * inner + i] = best;
      }
    }
    return fromNumbers("int64", shape, found);
  };
}

const cumSum: Evaluator = (c, shape) => {
  const x = dataOf(c, 0);
  const attrs = c.attrs as { readonly exclusive: number; readonly reverse: number };
  const { outer, size, inner } = around(x.shape, normalAxis(toInts(dataOf(c, 1))[0]!, x.shape.length));
  const values = toNumbers(x);
  if (!exactOperand(x, values)) return null;
  const sums = new Float64Array(values.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let step = 0; step < size; step++) {
        const at = (o * size + (attrs.reverse === 1 ? size - 1 - step : step)) * inner + i;
        const next = sum + values[at]!;
        sums[at] = attrs.exclusive === 1 ? sum : next;
        sum = next;
      }
    }
  }
  return representable(x.dtype, sums) ? fromNumbers(x.dtype, shape, sums) : null;
};

/** An index counts from the end when negative; one outside the depth gives "off" everywhere (ONNX OneHot-11). */
const oneHot: Evaluator = (c, shape) => {
  const values = dataOf(c, 2);
  const { axis } = c.attrs as { readonly axis: number };
  const { outer, size, inner } = around(shape, normalAxis(axis, shape.length));
  const data = allocate(values.dtype, outer * size * inner);
  const target = data as TypedArray;
  const [off, on] = values.data as TypedArray;
  target.fill(off as never);
  toNumbers(dataOf(c, 0)).forEach((index, at) => {
    const position = index < 0 ? index + size : index;
    if (!(position >= 0 && position < size)) return;
    target[(Math.floor(at / inner) * size + position) * inner + (at % inner)] = on as never;
  });
  return tensor(values.dtype, shape, data);
};

const trilu: Evaluator = (c, shape) => {
  const x = dataOf(c, 0);
  const shift = c.has(1) ? toInts(dataOf(c, 1))[0]! : 0;
  const upper = (c.attrs as { readonly upper: number }).upper === 1;
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  const data = allocate(x.dtype, x.data.length);
  const target = data as TypedArray;
  for (let i = 0; i < target.length; i++) {
    const ahead = (i % columns) - (Math.floor(i / columns) % rows);
    if (upper ? ahead >= shift : ahead <= shift) target[i] = x.data[i] as never;
  }
  return tensor(x.dtype, shape, data);
};

/** A bound that is absent does not limit (ONNX Clip-13). */
const clip: Evaluator = (c, shape) => {
  const x = dataOf(c, 0);
  const values = toNumbers(x);
  // A bound that is empty or of another dtype is malformed, and left to the runtime like one that is NaN.
  const given = (t: Tensor) => (t.dtype === x.dtype ? (toNumbers(t)[0] ?? Number.NaN) : Number.NaN);
  const bound = (i: number, open: number) => (c.has(i) ? given(dataOf(c, i)) : open);
  const [low, high] = [bound(1, Number.NEGATIVE_INFINITY), bound(2, Number.POSITIVE_INFINITY)];
  if (!exactOperand(x, values) || Number.isNaN(low) || Number.isNaN(high)) return null;
  return fromNumbers(
    x.dtype,
    shape,
    values.map((value) => Math.min(Math.max(value, low), high)),
  );
};

const sum = (total: number, x: number) => total + x;
const sumOfSquares = (total: number, x: number) => total + x * x;

const evaluators: Readonly<Record<string, Evaluator>> = {
  ReduceSum: reduction(0, sum),
  ReduceMean: reduction(0, sum, (total, count) => total / count),
  ReduceSumSquare: reduction(0, sumOfSquares),
  ReduceL1: reduction(0, (total, x) => total + Math.abs(x)),
  ReduceL2: reduction(0, sumOfSquares, Math.sqrt),
  ReduceProd: reduction(1, (product, x) => product * x),
  ReduceMax: reduction(Number.NEGATIVE_INFINITY, Math.max),
  ReduceMin: reduction(Number.POSITIVE_INFINITY, Math.min),
  ArgMax: argument((a, b) => a > b),
  ArgMin: argument((a, b) => a < b),
  CumSum: cumSum,
  OneHot: oneHot,
  Trilu: trilu,
  MatMul: computeMatMul,
  Clip: clip,
};

/** Operators that combine or select elements along axes, and Clip, of which operands may be absent. */
export const ALONG_AXES = Object.keys(evaluators);

/** The value of a node that works along axes, or null when this arithmetic would not give the runtime's result. */
export function computeAlongAxes(op: string, context: OpContext<never>, shape: readonly number[]): Tensor | null {
  return evaluators[op]?.(context, shape) ?? null;
}
