import type { Criterion } from "./criterion.ts";

/** Sum of magnitudes (Li et al., Pruning Filters for Efficient ConvNets, 2017). */
export const l1: Criterion = {
  name: "l1",
  says: "sum of weight magnitudes",
  gradients: false,
  element: (weight) => Math.abs(weight),
  finish: (sum) => sum,
};
