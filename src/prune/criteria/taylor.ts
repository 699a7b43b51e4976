import type { ElementCriterion } from "./criterion.ts";

/** First-order estimate of the change of the loss when a weight becomes zero, |w g|, summed (Molchanov et al., Importance Estimation for Neural Network Pruning, 2019). */
export const taylor: ElementCriterion = {
  kind: "elements",
  name: "taylor",
  says: "first-order estimate of the loss change, the sum of |weight x gradient|",
  needs: "gradients",
  element: (weight, gradient) => Math.abs(weight * gradient),
  finish: (sum) => sum,
};
