import type { DrawCriterion } from "./criterion.ts";

/** Uniform scores by seed and group name: the control that every criterion must beat. */
export const random: DrawCriterion = { kind: "draw", name: "random", says: "uniform by seed", needs: "nothing" };
