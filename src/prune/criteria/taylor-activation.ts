import type { SampleCriterion } from "./criterion.ts";

/**
 * First-order estimate of the loss change when a unit's activations become zero: the mean over samples of |sum of a dL/da| (Molchanov et al., Pruning
 * Convolutional Neural Networks for Resource Efficient Inference, 2017). Their division by the size of the map is the same for all units of a group,
 * so normalisation takes it.
 */
export const taylorActivation: SampleCriterion = {
  kind: "samples",
  name: "taylor-activation",
  says: "first-order estimate of the loss change, sample by sample, |sum of activation x gradient|",
  needs: "sample-gradients",
  sample: Math.abs,
};
