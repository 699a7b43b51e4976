import type { ElementCriterion } from "./criterion.ts";

/** Largest magnitude, max |w| (the infinity norm that Li et al. 2017 compare with L1). */
export const linf: ElementCriterion = {
  kind: "elements",
  name: "linf",
  says: "largest weight magnitude",
  needs: "weights",
  element: (weight) => Math.abs(weight),
  combine: "max",
  finish: (largest) => largest,
};
