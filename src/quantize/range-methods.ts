import { BINS, binCentre, type Histogram } from "./histogram.ts";
import { affineInt8, type Range } from "./parameters.ts";

/** How a range is chosen from a histogram: the extremes, a percentile, the least squared error, or the least divergence. */
export type RangeMethod = "minmax" | "percentile" | "mse" | "entropy";

/** Share of the values that a percentile range may cut off at each end by default: 1 in 10,000. */
export const DEFAULT_TAIL = 1e-4;

/** The range of a histogram by a method; always within [low, high], the extremes. */
export function rangeOf(histogram: Histogram, method: RangeMethod, tail = DEFAULT_TAIL): Range {
  const full: Range = { low: Math.min(0, histogram.low), high: Math.max(0, histogram.high) };
  if (method === "minmax" || histogram.limit === 0) return full;
  if (method === "percentile") return percentile(histogram, full, tail);
  return search(histogram, full, method === "mse" ? meanSquaredError : divergence);
}

/** Cuts off at most `tail` of all values at each end. */
function percentile(histogram: Histogram, full: Range, tail: number): Range {
  const { counts, limit } = histogram;
  const total = counts.reduce((a, b) => a + b, 0);
  const width = (2 * limit) / BINS;
  let below = 0;
  let first = 0;
  while (first < BINS - 1 && below + counts[first]! <= tail * total) below += counts[first++]!;
  let above = 0;
  let last = BINS - 1;
  while (last > 0 && above + counts[last]! <= tail * total) above += counts[last--]!;
  return {
    low: Math.min(0, Math.max(full.low, first * width - limit)),
    high: Math.max(0, Math.min(full.high, (last + 1) * width - limit)),
  };
}

/** Steps of 1 % from the full range down to 30 % of it, first for both ends together, then for each end alone. */
function search(histogram: Histogram, full: Range, cost: (histogram: Histogram, range: Range) => number): Range {
  let best = full;
  let least = cost(histogram, full);
  const attempt = (candidate: Range) => {
    const value = cost(histogram, candidate);
    if (value < least) {
      least = value;
      best = candidate;
    }
  };
  for (let percent = 99; percent >= 30; percent--)
    attempt({ low: (full.low * percent) / 100, high: (full.high * percent) / 100 });
  if (full.low < 0 && full.high > 0) {
    const { low, high } = best;
    for (let percent = 100; percent >= 30; percent--) attempt({ low: (full.low * percent) / 100, high });
    const atLow = best.low;
    for (let percent = 100; percent >= 30; percent--) attempt({ low: atLow, high: (full.high * percent) / 100 });
    if (best.high === full.high && high < full.high) attempt({ low, high });
  }
  return best;
}

/** Sum over bins of count x (centre - what it becomes)^2. */
function meanSquaredError(histogram: Histogram, range: Range): number {
  const { scale, zeroPoint } = affineInt8(range);
  let sum = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const count = histogram.counts[bin]!;
    if (count === 0) continue;
    const x = binCentre(histogram, bin);
    const q = Math.max(-128, Math.min(127, Math.round(x / scale) + zeroPoint));
    const error = x - (q - zeroPoint) * scale;
    sum += count * error * error;
  }
  return sum;
}

/**
 * Kullback-Leibler divergence of the clipped distribution from its 256-level form (Migacz, "8-bit inference with
 * TensorRT", GTC 2017): the values of a level are spread evenly over the bins of it that held any.
 */
function divergence(histogram: Histogram, range: Range): number {
  const { scale, zeroPoint } = affineInt8(range);
  const clipped = new Float64Array(BINS);
  const level = new Int16Array(BINS);
  const first = Math.max(
    0,
    Math.min(BINS - 1, Math.floor(((range.low + histogram.limit) / (2 * histogram.limit)) * BINS)),
  );
  const last = Math.max(
    first,
    Math.min(BINS - 1, Math.ceil(((range.high + histogram.limit) / (2 * histogram.limit)) * BINS) - 1),
  );
  const mass = new Float64Array(256);
  const inside = new Float64Array(256);
  let total = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const count = histogram.counts[bin]!;
    if (count === 0) continue;
    const at = Math.max(first, Math.min(last, bin));
    clipped[at]! += count;
    total += count;
    const q = Math.max(-128, Math.min(127, Math.round(binCentre(histogram, at) / scale) + zeroPoint)) + 128;
    level[at] = q;
    // The level's mass is that of the values inside: the outliers at the border are what clipping loses.
    if (at === bin) inside[q]! += count;
  }
  let kept = 0;
  const occupied = new Float64Array(256);
  for (let bin = first; bin <= last; bin++) {
    if (clipped[bin]! === 0) continue;
    occupied[level[bin]!]!++;
  }
  for (let q = 0; q < 256; q++) {
    mass[q] = inside[q]!;
    kept += mass[q]!;
  }
  if (kept === 0) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let bin = first; bin <= last; bin++) {
    const p = clipped[bin]! / total;
    if (p === 0) continue;
    const q = mass[level[bin]!]! / occupied[level[bin]!]! / kept;
    sum += p * Math.log(p / Math.max(q, 1e-12));
  }
  return sum;
}
