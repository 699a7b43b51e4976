import type { ActivationCriterion } from "./criterion.ts";
import { fromMoments } from "./moments.ts";

/** Mean of |a| (Molchanov et al., Pruning Convolutional Neural Networks for Resource Efficient Inference, 2017: the mean activation, which is the same behind ReLU). */
export const activationMean: ActivationCriterion = {
  kind: "activations",
  name: "activation-mean",
  says: "mean magnitude of the activations",
  needs: "activations",
  sites: "consumers",
  start: (_, site) => fromMoments(site, ({ count, magnitudes }) => magnitudes / count),
};
