import type { VectorCriterion } from "./criterion.ts";
import { distinctness } from "./redundancy.ts";

/** 1 - |cos| of a unit's weights and those of the unit most like it, copies taken away one at a time (Ayinde and Zurada, Building Efficient ConvNets using Redundant Feature Pruning, 2018). */
export const cosine: VectorCriterion = {
  kind: "vectors",
  name: "cosine",
  says: "how unlike the weights of other units",
  needs: "weights",
  vectors: distinctness,
};
