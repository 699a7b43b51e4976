import type { ActivationCriterion } from "./criterion.ts";

/**
 * log(keys) - mean entropy of a head's attention probabilities, in nats: 0 for a head that attends to everything alike, log(keys) for one that always
 * picks one token (Clark et al., What Does BERT Look At?, 2019, on entropy; Voita et al., Analyzing Multi-Head Self-Attention, 2019, on confident
 * heads being the important ones). Sees only heads: groups of kind rows behind a Softmax.
 */
export const attentionEntropy: ActivationCriterion = {
  kind: "activations",
  name: "attention-entropy",
  says: "how far a head's attention is from uniform",
  needs: "activations",
  sites: "attention",
  samples: 64,
  start: (_, site) => {
    const entropies = new Float64Array(site.units);
    const counts = new Float64Array(site.units);
    let keys = 1;
    return {
      add: ({ units, tensor }) => {
        keys = tensor.shape.at(-1)!;
        units.forEach((values, unit) => {
          for (const p of values) if (p > 0) entropies[unit]! -= p * Math.log(p);
          counts[unit]! += values.length / keys;
        });
      },
      scores: () => entropies.map((sum, unit) => Math.max(0, Math.log(keys) - sum / Math.max(1, counts[unit]!))),
    };
  },
};
