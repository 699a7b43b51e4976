import { type Tensor, toFloat32 } from "../../tensor/index.ts";
import { peaksOf, slicesOf } from "../weights.ts";

/** Smallest share of the largest magnitude that a step is tried for, and the number of shares. */
const LEAST_SHARE = 0.3;
const SHARES = 36;

/**
 * Step sizes to start from: for each slice of `axis` (or the whole) that with the least squared rounding error, of 36 from that which holds the largest
 * magnitude down to 30 % of it. The largest magnitude alone would waste levels where there are few. A slice of zeros gets 1 / `levels`.
 */
export function initialSteps(weight: Tensor, axis: number | null, levels: number): Float32Array {
  const values = toFloat32(weight);
  const { size, inner } = slicesOf(weight.shape, axis);
  const peaks = peaksOf(weight, axis);
  const best = Float32Array.from(peaks, (peak) => peak / levels || 1 / levels);
  const least = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  for (let k = 0; k < SHARES; k++) {
    const share = 1 - ((1 - LEAST_SHARE) * k) / (SHARES - 1);
    const steps = Float32Array.from(peaks, (peak) => (share * peak) / levels || 1 / levels);
    const errors = new Float64Array(size);
    for (let from = 0, at = 0; from < values.length; from += inner, at = (at + 1) % size)
      errors[at]! += squaredError(values, from, from + inner, steps[at]!, levels);
    for (let at = 0; at < size; at++) {
      if (errors[at]! >= least[at]!) continue;
      least[at] = errors[at]!;
      best[at] = steps[at]!;
    }
  }
  return best;
}

function squaredError(values: Float32Array, from: number, to: number, step: number, levels: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const error = value - step * Math.max(-levels, Math.min(levels, Math.round(value / step)));
    sum += error * error;
  }
  return sum;
}
