import type { Range } from "./parameters.ts";

/** Bins over [-limit, limit]; even, so that halving the resolution keeps the border at zero. */
export const BINS = 8192;

/** A histogram that grows: `limit` doubles, and neighbouring bins merge, when a value falls outside. Any order of the same batches gives the same counts. */
export interface Histogram {
  limit: number;
  readonly counts: Float64Array;
  low: number;
  high: number;
}

export function newHistogram(): Histogram {
  return { limit: 0, counts: new Float64Array(BINS), low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
}

/** Least and greatest of the values; null when one is not finite. */
export function extremes(values: Float32Array): Range | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < low) low = value;
    if (value > high) high = value;
    if (Number.isNaN(value)) return null;
  }
  return Number.isFinite(low) && Number.isFinite(high) ? { low, high } : null;
}

/** Adds finite values, whose extremes are given. */
export function addValues(histogram: Histogram, values: Float32Array, range: Range, binned: boolean): void {
  histogram.low = Math.min(histogram.low, range.low);
  histogram.high = Math.max(histogram.high, range.high);
  if (!binned) return;
  growTo(histogram, Math.max(Math.abs(range.low), Math.abs(range.high)));
  if (histogram.limit === 0) {
    histogram.counts[BINS / 2]! += values.length;
    return;
  }
  const scale = BINS / (2 * histogram.limit);
  const { counts } = histogram;
  for (let i = 0; i < values.length; i++) {
    // Shifted to be positive before truncation, so that this is a floor; the limit itself belongs to the last bin.
    const bin = (values[i]! * scale + BINS / 2) | 0;
    counts[bin < BINS ? bin : BINS - 1]!++;
  }
}

/** Limits are powers of two, so that they do not depend on what came first. */
function growTo(histogram: Histogram, magnitude: number): void {
  if (magnitude <= histogram.limit || magnitude === 0) return;
  const wanted = 2 ** Math.ceil(Math.log2(magnitude));
  if (histogram.limit === 0) {
    // All that came so far was zero, in the bin whose lower border is zero: it stays there.
    histogram.limit = wanted;
    return;
  }
  const { counts } = histogram;
  while (histogram.limit < wanted) {
    const merged = new Float64Array(BINS);
    for (let bin = 0; bin < BINS; bin++) merged[BINS / 4 + (bin >> 1)]! += counts[bin]!;
    counts.set(merged);
    histogram.limit *= 2;
  }
}

/** Middle of a bin. */
export function binCentre(histogram: Histogram, bin: number): number {
  return ((bin + 0.5) / histogram.counts.length) * 2 * histogram.limit - histogram.limit;
}

/** The same values in bins that are `factor` (a power of two) times as wide. */
export function coarser(histogram: Histogram, factor: number): Histogram {
  const counts = new Float64Array(histogram.counts.length / factor);
  for (let bin = 0; bin < histogram.counts.length; bin++) counts[Math.floor(bin / factor)]! += histogram.counts[bin]!;
  return { ...histogram, counts };
}

/** Bins between the extremes, inclusive. */
export function spannedBins({ low, high, limit, counts }: Histogram): number {
  const at = (value: number) =>
    Math.min(counts.length - 1, Math.floor(((value + limit) / (2 * limit)) * counts.length));
  return limit === 0 ? 1 : at(high) - at(low) + 1;
}
