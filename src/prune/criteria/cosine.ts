import type { JointCriterion } from "./criterion.ts";
import { cosines, distinctness } from "./redundancy.ts";

/**
 * 1 - cos of a unit's weights and those of the unit most like it, copies taken away one at a time (Ayinde and Zurada, Building Efficient ConvNets using
 * Redundant Feature Pruning, 2018, who cluster by cosine and keep one of each cluster). As there, only the weights that make the units count, and
 * opposite ones are far apart: behind ReLU -w says something else than w. Where several weights make the units, theirs is the mean cosine.
 */
export const cosine: JointCriterion = {
  kind: "joint",
  name: "cosine",
  says: "how unlike the weights that make other units",
  needs: "weights",
  roles: ["out"],
  weights: (weights) => {
    const n = weights[0]!.length;
    const sums = new Float64Array(n * n);
    const counts = new Float64Array(n * n);
    for (const rows of weights) {
      const like = cosines(rows);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++)
          // Units that a weight does not make are not compared there.
          if (rows[i]!.length > 0 && rows[j]!.length > 0) {
            sums[i * n + j]! += like[i * n + j]!;
            counts[i * n + j]!++;
          }
    }
    return distinctness(
      sums.map((sum, at) => sum / Math.max(1, counts[at]!)),
      n,
    );
  },
};
