import type { ActivationCriterion } from "./criterion.ts";

/**
 * Mean rank of a unit's activation map (Lin et al., HRank: Filter Pruning using High-Rank Feature Map, 2020). A map is height x width, for heads
 * tokens x head size; a vector has rank 1 unless it is zero, so layers without maps are told apart by dead units only. A rank costs the cube of the map's
 * side, hence few samples.
 */
export const hrank: ActivationCriterion = {
  kind: "activations",
  name: "hrank",
  says: "mean rank of the activation map",
  needs: "activations",
  sites: "consumers",
  samples: 32,
  start: (_, site) => {
    const sums = new Float64Array(site.units);
    let samples = 0;
    return {
      add: (batch) => {
        samples += batch.samples;
        const [, columns] = batch.map;
        batch.units.forEach((values, unit) => {
          const length = values.length / batch.samples;
          for (let s = 0; s < batch.samples; s++)
            sums[unit]! += rankOf(values.subarray(s * length, (s + 1) * length), columns);
        });
      },
      scores: () => sums.map((sum) => sum / Math.max(1, samples)),
    };
  },
};

/** Rank by elimination with the largest pivot; what is below 1e-5 of the largest element counts as rounding of float32. */
export function rankOf(values: Float32Array, columns: number): number {
  const rows = Math.floor(values.length / Math.max(1, columns));
  const m = Float64Array.from(values);
  const least = 1e-5 * m.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const open = new Set(Array.from({ length: rows }, (_, r) => r));
  let rank = 0;
  while (open.size > 0 && rank < columns) {
    let [pivotRow, pivotColumn, pivot] = [-1, -1, least];
    for (const r of open)
      for (let c = 0; c < columns; c++) {
        const size = Math.abs(m[r * columns + c]!);
        if (size > pivot) [pivotRow, pivotColumn, pivot] = [r, c, size];
      }
    if (pivotRow < 0) return rank;
    rank++;
    open.delete(pivotRow);
    for (const r of open) {
      const factor = m[r * columns + pivotColumn]! / m[pivotRow * columns + pivotColumn]!;
      if (factor === 0) continue;
      for (let c = 0; c < columns; c++) m[r * columns + c]! -= factor * m[pivotRow * columns + c]!;
      m[r * columns + pivotColumn] = 0;
    }
  }
  return rank;
}
