import type { Accumulator, Site } from "./criterion.ts";

/** Sums over all elements of a unit, over samples and positions. */
export interface Moments {
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
  readonly magnitudes: number;
  readonly zeros: number;
}

/** An accumulator of moments, with the score of a unit from its moments; a unit without elements scores 0. */
export function fromMoments(site: Site, score: (moments: Moments, unit: number) => number): Accumulator {
  const of = () => new Float64Array(site.units);
  const [count, sum, squares, magnitudes, zeros] = [of(), of(), of(), of(), of()];
  return {
    add: ({ units }) => {
      units.forEach((values, unit) => {
        for (const value of values) {
          sum[unit]! += value;
          squares[unit]! += value * value;
          magnitudes[unit]! += Math.abs(value);
          if (value === 0) zeros[unit]!++;
        }
        count[unit]! += values.length;
      });
    },
    scores: () =>
      of().map((_, unit) => {
        const moments = { count: count[unit]!, sum: sum[unit]!, squares: squares[unit]! };
        if (moments.count === 0) return 0;
        return score({ ...moments, magnitudes: magnitudes[unit]!, zeros: zeros[unit]! }, unit);
      }),
  };
}
