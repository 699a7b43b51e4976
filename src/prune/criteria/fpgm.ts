import type { VectorCriterion } from "./criterion.ts";
import { elementAt } from "./redundancy.ts";

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

function distanceOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = Math.max(a.length, b.length) - 1; k >= 0; k--) {
    const difference = elementAt(a, k) - elementAt(b, k);
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
