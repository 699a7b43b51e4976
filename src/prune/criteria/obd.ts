import type { ElementCriterion } from "./criterion.ts";

/**
 * Second-order estimate of the loss change, the sum of w^2 h / 2 with the diagonal of the Hessian h (LeCun et al., Optimal Brain Damage, 1989),
 * for which the diagonal of the empirical Fisher information stands in (Theis et al. 2018).
 */
export const obd: ElementCriterion = {
  kind: "elements",
  name: "obd",
  says: "second-order estimate of the loss change by the diagonal Fisher information",
  needs: "fisher",
  element: (weight, fisher) => 0.5 * weight * weight * fisher,
  finish: (sum) => sum,
};
