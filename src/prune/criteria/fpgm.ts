import type { VectorCriterion } from "./criterion.ts";

/**
 * Sum of the Euclidean distances to all other units: the unit nearest to the geometric median is the one that the others can best stand in for (He et
 * al., Filter Pruning via Geometric Median, 2019).
 */
export const fpgm: VectorCriterion = {
  kind: "vectors",
  name: "fpgm",
  says: "distance to the other units of the group",
  needs: "weights",
  vectors: (rows) => {
    const scores = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      for (let j = 0; j < i; j++) {
        const distance = distanceOf(rows[i]!, rows[j]!);
        scores[i]! += distance;
        scores[j]! += distance;
      }
    }
    return scores;
  },
};

/** Units of rows may hold unequal numbers of positions; what is missing counts as 0. */
function distanceOf(a: Float32Array, b: Float32Array): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  let sum = 0;
  for (let k = 0; k < short.length; k++) {
    const difference = long[k]! - short[k]!;
    sum += difference * difference;
  }
  for (let k = short.length; k < long.length; k++) sum += long[k]! * long[k]!;
  return Math.sqrt(sum);
}
