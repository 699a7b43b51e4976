import type { Accumulator, Site } from "./criterion.ts";

/** Mean activation of each unit in each sample: one series a unit, with the classes of the samples. */
export interface Profiles {
  readonly series: readonly Float64Array[];
  readonly labels: readonly number[];
}

/** An accumulator that keeps the profiles and scores by them at the end. */
export function fromProfiles(site: Site, score: (profiles: Profiles) => Float64Array): Accumulator {
  const means: number[][] = Array.from({ length: site.units }, () => []);
  const labels: number[] = [];
  return {
    add: ({ samples, units, labels: own }) => {
      labels.push(...own);
      units.forEach((values, unit) => {
        const length = values.length / samples;
        for (let s = 0; s < samples; s++) {
          let sum = 0;
          for (let i = s * length; i < (s + 1) * length; i++) sum += values[i]!;
          means[unit]!.push(length === 0 ? 0 : sum / length);
        }
      });
    },
    scores: () => score({ series: means.map((series) => Float64Array.from(series)), labels }),
  };
}

/** A series less its mean; what is left of rounding in a constant series becomes 0. */
export function centred(series: Float64Array): Float64Array {
  const mean = series.reduce((sum, value) => sum + value, 0) / Math.max(1, series.length);
  const largest = series.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return series.map((value) => (Math.abs(value - mean) <= 1e-6 * largest ? 0 : value - mean));
}
