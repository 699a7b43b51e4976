import type { ElementCriterion } from "./criterion.ts";

/**
 * The sum of -w g: positive where the gradient step takes weights away from zero (Sanh et al., Movement Pruning, 2020, whose sum over training steps
 * a caller gets by giving gradients added up along the way). Scores have both signs.
 */
export const movement: ElementCriterion = {
  kind: "elements",
  name: "movement",
  says: "how much the gradient step moves weights away from zero",
  needs: "gradients",
  element: (weight, gradient) => -weight * gradient,
  finish: (sum) => sum,
};
