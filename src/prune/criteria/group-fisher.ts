import type { SampleCriterion } from "./criterion.ts";

/**
 * Fisher information of a mask shared by all coupled weights: the mean over samples of (sum over the group of dL/dm)^2, where dL/dm is the sum of
 * a dL/da (Liu et al., Group Fisher Pruning for Practical Network Compression, 2021). Their half and the division by the memory saved are left to
 * normalisation and to the search.
 */
export const groupFisher: SampleCriterion = {
  kind: "samples",
  name: "group-fisher",
  says: "Fisher information of a mask over the coupled units",
  needs: "sample-gradients",
  sample: (product) => product * product,
};
