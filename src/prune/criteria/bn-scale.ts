import type { ElementCriterion } from "./criterion.ts";

/** Magnitude of the batch normalisation's scale, |gamma| (Liu et al., Learning Efficient Convolutional Networks through Network Slimming, 2017). */
export const bnScale: ElementCriterion = {
  kind: "elements",
  name: "bn-scale",
  says: "magnitude of the scale of the batch normalisation",
  needs: "weights",
  element: (scale) => Math.abs(scale),
  finish: (sum) => sum,
  counts: (graph, value) => graph.nodes.some((node) => node.op === "BatchNormalization" && node.inputs[1] === value),
};
