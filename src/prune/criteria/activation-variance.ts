import type { ActivationCriterion } from "./criterion.ts";
import { fromMoments } from "./moments.ts";

/** Variance of the activations over samples and positions (Polyak and Wolf, Channel-level acceleration of deep face representations, 2015): a unit that never changes can be a bias. */
export const activationVariance: ActivationCriterion = {
  kind: "activations",
  name: "activation-variance",
  says: "variance of the activations",
  needs: "activations",
  sites: "consumers",
  start: (_, site) => fromMoments(site, ({ count, sum, squares }) => Math.max(0, squares / count - (sum / count) ** 2)),
};
