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
  sites: "maps",
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

/**
 * Rank by elimination with the largest pivot of the rows and columns that are left; what is below 1e-5 of the largest element counts as rounding of
 * float32. The next pivot is found while rows are eliminated.
 */
export function rankOf(values: Float32Array, columns: number): number {
  const end = values.length - (values.length % Math.max(1, columns));
  const m = Float64Array.from(values);
  let pivot = -1;
  let size = 0;
  for (let at = 0; at < end; at++) {
    const own = Math.abs(m[at]!);
    if (own > size) [pivot, size] = [at, own];
  }
  const least = 1e-5 * size;
  let top = 0;
  for (; size > least && size > 0; top += columns) {
    // The pivot's row changes places with the first one that is left.
    const column = pivot % columns;
    const first = m.slice(top, top + columns);
    m.copyWithin(top, pivot - column, pivot - column + columns);
    m.set(first, pivot - column);
    pivot = -1;
    size = 0;
    for (let from = top + columns; from < end; from += columns) {
      const factor = m[from + column]! / m[top + column]!;
      for (let c = 0; c < columns; c++) {
        const value = m[from + c]! - factor * m[top + c]!;
        const own = c === column ? 0 : Math.abs(value);
        m[from + c] = c === column ? 0 : value;
        if (own > size) {
          pivot = from + c;
          size = own;
        }
      }
    }
  }
  return top / Math.max(1, columns);
}
