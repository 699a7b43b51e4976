import { normalAxis, type ValueId } from "../../../ir/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { type Composer, composition, num } from "./compose.ts";

interface Moments {
  readonly mean: ValueId;
  /** x - mean. */
  readonly centred: ValueId;
  /** sqrt(variance + epsilon). */
  readonly deviation: ValueId;
}

/** Mean and standard deviation over some axes, which stay as axes of size 1. */
function moments(c: Composer, x: ValueId, axes: readonly number[], epsilon: number): Moments {
  const where = c.ints(axes);
  const mean = c.op("ReduceMean", [x, where], { keepdims: 1 });
  const centred = c.op("Sub", [x, mean]);
  const variance = c.op("ReduceMean", [c.op("Mul", [centred, centred]), where], { keepdims: 1 });
  const deviation = c.op("Sqrt", [epsilon === 0 ? variance : c.op("Add", [variance, num(epsilon)])]);
  return { mean, centred, deviation };
}

/** y scale + bias, where they are given. */
function affine(c: Composer, y: ValueId, scale: ValueId | null, bias: ValueId | null): ValueId {
  const scaled = scale === null ? y : c.op("Mul", [y, scale]);
  return bias === null ? scaled : c.op("Add", [scaled, bias]);
}

/** The axes from `first` to the last. */
function from(first: number, rank: number): number[] {
  return Array.from({ length: rank - first }, (_, i) => first + i);
}

const layer = composition("layer-norm-composed", "LayerNormalization", (c) => {
  const x = c.in(0);
  const rank = c.shape(x).length;
  const axes = from(normalAxis(c.attrs.axis as number, rank), rank);
  const { mean, centred, deviation } = moments(c, x, axes, c.attrs.epsilon as number);
  const y = affine(c, c.op("Div", [centred, deviation]), c.has(1) ? c.in(1) : null, c.has(2) ? c.in(2) : null);
  return c.node.outputs.length === 1 ? y : [y, mean, c.op("Reciprocal", [deviation])].slice(0, c.node.outputs.length);
});

/** One number a channel as [channels, 1, ...], which broadcasts over [N, channels, ...]. */
function perChannel(c: Composer, i: number, spatial: number): ValueId | null {
  if (!c.has(i)) return null;
  const count = c.shape(c.in(i))[0]!;
  return c.reshape(c.in(i), [1, count, ...new Array<number>(spatial).fill(1)]);
}

const instance = composition("instance-norm-composed", "InstanceNormalization", (c) => {
  const x = c.in(0);
  const rank = c.shape(x).length;
  const { centred, deviation } = moments(c, x, from(2, rank), c.attrs.epsilon as number);
  return affine(c, c.op("Div", [centred, deviation]), perChannel(c, 1, rank - 2), perChannel(c, 2, rank - 2));
});

/** (x - mean) / (deviation + 1e-9): the constant of the operator's definition (ONNX MeanVarianceNormalization-13). */
const meanVariance = composition("mean-variance-norm-composed", "MeanVarianceNormalization", (c) => {
  const { centred, deviation } = moments(c, c.in(0), c.attrs.axes as number[], 0);
  return c.op("Div", [centred, c.op("Add", [deviation, num(1e-9)])]);
});

const lp = composition("lp-norm-composed", "LpNormalization", (c) => {
  const x = c.in(0);
  const axes = c.ints([normalAxis(c.attrs.axis as number, c.shape(x).length)]);
  const size =
    c.attrs.p === 1
      ? c.op("ReduceSum", [c.op("Abs", [x]), axes], { keepdims: 1 })
      : c.op("Sqrt", [c.op("ReduceSum", [c.op("Mul", [x, x]), axes], { keepdims: 1 })]);
  return c.op("Div", [x, size]);
});

/** Normalisations whose statistics are computed from the data, as means, products and a quotient. */
export const normRules: readonly Rule[] = [layer, instance, meanVariance, lp];
