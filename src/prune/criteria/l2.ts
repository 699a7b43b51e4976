import type { ElementCriterion } from "./criterion.ts";

/** Euclidean norm of the weights (He et al., Soft Filter Pruning, 2018). */
export const l2: ElementCriterion = {
  kind: "elements",
  name: "l2",
  says: "Euclidean norm of the weights",
  needs: "weights",
  element: (weight) => weight * weight,
  finish: Math.sqrt,
};
