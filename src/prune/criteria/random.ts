import type { Criterion } from "./criterion.ts";

/** Uniform scores by seed and group name: the control that every criterion must beat. */
export const random: Criterion = {
  name: "random",
  says: "uniform by seed",
  gradients: false,
  element: null,
  finish: (sum) => sum,
};
