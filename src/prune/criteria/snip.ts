import type { ElementCriterion } from "./criterion.ts";

/**
 * Connection sensitivity of a gate on the unit, |dL/dc| = |sum of w g| (Lee et al., SNIP, 2019, for single weights; van Amersfoort et al., Single Shot
 * Structured Pruning Before Training, 2020, for units). Unlike `taylor`, parts of opposite sign cancel.
 */
export const snip: ElementCriterion = {
  kind: "elements",
  name: "snip",
  says: "sensitivity of the loss to a gate on the unit, |sum of weight x gradient|",
  needs: "gradients",
  element: (weight, gradient) => weight * gradient,
  finish: Math.abs,
};
