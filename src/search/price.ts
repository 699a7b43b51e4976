import { EspalierError } from "../diagnostics/index.ts";

/** One measurement of a sensitivity curve: the loss when a group keeps `kept` of its units and all others are whole. */
export interface PricePoint {
  readonly kept: number;
  readonly loss: number;
}

/**
 * The price of a group: predicted rise of the loss when it keeps a number of its units.
 * Measured points are made monotone (fewer units never cost less) by pool-adjacent-violators (Barlow et al. 1972) and joined by straight lines.
 */
export interface PriceCurve {
  readonly size: number;
  /** Knots by falling `kept`, from `size` (price 0) on. */
  readonly knots: readonly { readonly kept: number; readonly price: number }[];
}

/** Builds a price curve from measurements; `baseline` is the loss of the whole model. Prices below 0 (a cut that helps) count as 0. */
export function priceCurve(size: number, baseline: number, points: readonly PricePoint[]): PriceCurve {
  if (points.some((p) => !Number.isFinite(p.loss)))
    throw new EspalierError("internal", "internal: a sensitivity measurement is not finite");
  const falling = points.filter((p) => p.kept < size).sort((a, b) => b.kept - a.kept);
  const pools: { sum: number; count: number }[] = [];
  for (const point of falling) {
    pools.push({ sum: Math.max(0, point.loss - baseline), count: 1 });
    while (pools.length > 1) {
      const last = pools[pools.length - 1]!;
      const previous = pools[pools.length - 2]!;
      if (previous.sum / previous.count <= last.sum / last.count) break;
      pools.splice(-2, 2, { sum: previous.sum + last.sum, count: previous.count + last.count });
    }
  }
  const prices = pools.flatMap((pool) => new Array<number>(pool.count).fill(pool.sum / pool.count));
  return { size, knots: [{ kept: size, price: 0 }, ...falling.map((p, i) => ({ kept: p.kept, price: prices[i]! }))] };
}

/** The price of keeping `kept` units; below the last measured point the line through the last two is continued. */
export function priceOf(curve: PriceCurve, kept: number): number {
  const { knots } = curve;
  if (kept >= curve.size || knots.length < 2) return 0;
  let right = knots.findIndex((knot) => knot.kept <= kept);
  if (right < 0) right = knots.length - 1;
  const a = knots[Math.max(0, right - 1)]!;
  const b = knots[right]!;
  if (a.kept === b.kept) return b.price;
  return Math.max(0, b.price + ((a.price - b.price) * (kept - b.kept)) / (a.kept - b.kept));
}
