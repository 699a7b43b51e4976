import type { ActivationCriterion } from "./criterion.ts";
import { fromMoments } from "./moments.ts";

/** Root mean square of the activations: their Euclidean norm, which Molchanov et al. 2017 take of each map, over the square root of their number. */
export const activationNorm: ActivationCriterion = {
  kind: "activations",
  name: "activation-norm",
  says: "root mean square of the activations",
  needs: "activations",
  sites: "consumers",
  start: (_, site) => fromMoments(site, ({ count, squares }) => Math.sqrt(squares / count)),
};
