import { BINS, binCentre, coarser, type Histogram, spannedBins } from "./histogram.ts";
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
  const dense = method === "entropy" ? densified(histogram) : null;
  return dense === null ? search(histogram, full, meanSquaredError) : search(dense, full, divergence);
}

/** Values that a bin must hold on average for its count to say something of the distribution. */
const LEAST_COUNT = 16;
/** Bins that 256 levels need at least, so that a level spans several. */
const LEAST_BINS = 512;

/**
 * Bins wide enough to be well filled: a divergence over empty bins measures the sample, not the distribution. Null when
 * that leaves too few; the squared error decides then.
 */
function densified(histogram: Histogram): Histogram | null {
  const zero = BINS / 2;
  const counts = histogram.counts.slice();
  // Zero is exact in every range; the heap of zeros behind a ReLU would otherwise ask for the finest level around it.
  counts[zero] = Math.min(counts[zero]!, counts[zero + 1]!);
  const total = counts.reduce((a, b) => a + b, 0);
  for (let factor = 1; factor <= BINS / LEAST_BINS; factor *= 2) {
    const candidate = coarser({ ...histogram, counts }, factor);
    const bins = spannedBins(candidate);
    if (bins < LEAST_BINS) return null;
    if (total / bins >= LEAST_COUNT && bins <= 4 * LEAST_BINS) return candidate;
  }
  return null;
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
  for (let bin = 0; bin < histogram.counts.length; bin++) {
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
 * TensorRT", GTC 2017): the values of a level are spread evenly over the bins of it that held any; what clipping moves
 * to the border is missing from the levels, which is its price.
 */
function divergence(histogram: Histogram, range: Range): number {
  const { scale, zeroPoint } = affineInt8(range);
  const { counts, limit } = histogram;
  const edge = (value: number) => ((value + limit) / (2 * limit)) * counts.length;
  const first = Math.max(0, Math.min(counts.length - 1, Math.floor(edge(range.low))));
  const last = Math.max(first, Math.min(counts.length - 1, Math.ceil(edge(range.high)) - 1));
  const clipped = counts.slice(first, last + 1);
  const inside = new Float64Array(256);
  const occupied = new Float64Array(256);
  const level = new Uint8Array(clipped.length);
  let total = 0;
  let kept = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    total += counts[bin]!;
    if (bin < first) clipped[0]! += counts[bin]!;
    if (bin > last) clipped[clipped.length - 1]! += counts[bin]!;
  }
  for (let i = 0; i < clipped.length; i++) {
    const q = Math.round(binCentre(histogram, first + i) / scale) + zeroPoint;
    level[i] = Math.max(-128, Math.min(127, q)) + 128;
    inside[level[i]!]! += counts[first + i]!;
    kept += counts[first + i]!;
    if (clipped[i]! > 0) occupied[level[i]!]!++;
  }
  if (kept === 0) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < clipped.length; i++) {
    if (clipped[i] === 0) continue;
    const p = clipped[i]! / total;
    const q = inside[level[i]!]! / occupied[level[i]!]! / kept;
    sum += p * Math.log(p / Math.max(q, 1e-12));
  }
  return sum;
}
