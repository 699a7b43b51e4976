import type { ActivationCriterion } from "./criterion.ts";
import { fromMoments } from "./moments.ts";

/**
 * |w| times the norm of the activation that it multiplies (Sun et al., A Simple and Effective Pruning Approach for Large Language Models, 2023), added up
 * over all weights that read the unit; the norm is the root mean square.
 */
export const wanda: ActivationCriterion = {
  kind: "activations",
  name: "wanda",
  says: "sum of |weight| x norm of the activation, over the weights that read the unit",
  needs: "activations",
  sites: "consumers",
  start: (_, site) => {
    const magnitudes = Array.from({ length: site.units }, (_, unit) =>
      site.consumers.reduce((sum, { vectors }) => sum + vectors[unit]!.reduce((own, w) => own + Math.abs(w), 0), 0),
    );
    const inner = fromMoments(site, ({ count, squares }, unit) => Math.sqrt(squares / count) * magnitudes[unit]!);
    return { add: inner.add, scores: () => (site.consumers.length === 0 ? null : inner.scores()) };
  },
};
