/** The real numbers that a value takes. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** real = scale * (q - zeroPoint), q in -128..127. */
export interface AffineParameters {
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * Asymmetric int8 for a range, which is widened to hold zero so that zero is exact (padding needs it):
 * scale = (high - low) / 255, zero point = round(-128 - low / scale). A range of nothing but zero gets scale 1.
 */
export function affineInt8(range: Range): AffineParameters {
  const low = Math.min(0, range.low);
  const high = Math.max(0, range.high);
  const scale = Math.fround((high - low) / 255);
  if (scale === 0) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: Math.max(-128, Math.min(127, Math.round(-128 - low / scale))) };
}

export function unite(a: Range | null, b: Range | null): Range | null {
  if (a === null || b === null) return a ?? b;
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}
