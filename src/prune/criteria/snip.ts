import type { ElementCriterion } from "./criterion.ts";

/**
 * Connection sensitivity |w g| as a share of its sum over the network (Lee et al., SNIP, 2019), summed over the unit. Inside a group it ranks as
 * `taylor`; without normalisation it compares groups by what they hold of the whole.
 */
export const snip: ElementCriterion = {
  kind: "elements",
  name: "snip",
  says: "share of the network's |weight x gradient|",
  needs: "gradients",
  element: (weight, gradient) => Math.abs(weight * gradient),
  finish: (sum) => sum,
  share: true,
};
