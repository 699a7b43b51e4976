import type { ActivationCriterion } from "./criterion.ts";
import { fromMoments } from "./moments.ts";

/** 1 - APoZ, the share of activations that are not zero (Hu et al., Network Trimming, 2016). Tells units apart only behind functions that give zeros, such as ReLU. */
export const apoz: ActivationCriterion = {
  kind: "activations",
  name: "apoz",
  says: "share of activations that are not zero",
  needs: "activations",
  sites: "maps",
  start: (_, site) => fromMoments(site, ({ count, zeros }) => 1 - zeros / count),
};
