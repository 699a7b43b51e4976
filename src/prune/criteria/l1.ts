import type { ElementCriterion } from "./criterion.ts";

/** Sum of magnitudes (Li et al., Pruning Filters for Efficient ConvNets, 2017). */
export const l1: ElementCriterion = {
  kind: "elements",
  name: "l1",
  says: "sum of weight magnitudes",
  needs: "weights",
  element: (weight) => Math.abs(weight),
  finish: (sum) => sum,
};
