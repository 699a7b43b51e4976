import type { Criterion } from "./criterion.ts";

/** Euclidean norm of the weights. */
export const l2: Criterion = {
  name: "l2",
  says: "Euclidean norm of the weights",
  gradients: false,
  element: (weight) => weight * weight,
  finish: Math.sqrt,
};
