import type { ActivationCriterion } from "./criterion.ts";
import { centred, fromProfiles } from "./profiles.ts";
import { cosines, distinctness } from "./redundancy.ts";

/**
 * 1 - |Pearson correlation| of a unit's mean activations and those of the unit most like it, copies taken away one at a time (Suau et al., Filter
 * Distillation for Network Compression, 2020, on what correlation between responses allows to remove).
 */
export const correlation: ActivationCriterion = {
  kind: "activations",
  name: "correlation",
  says: "how unlike the activations of other units",
  needs: "activations",
  sites: "consumers",
  start: (_, site) =>
    fromProfiles(site, ({ series }) => distinctness(cosines(series.map(centred)).map(Math.abs), site.units)),
};
