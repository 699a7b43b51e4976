import type { Graph } from "../../../ir/index.ts";
import { applyRules, type Rule } from "../../../rewrite/index.ts";
import { activationRules } from "./activations.ts";
import { convTransposeRules } from "./conv-transpose.ts";
import { einsumRules } from "./einsum.ts";
import { gatherRules } from "./gather.ts";
import { matrixRules } from "./matrix.ts";
import { normRules } from "./norms.ts";
import { padRules } from "./pad.ts";
import { pointwiseRules } from "./pointwise.ts";
import { quantizationRules } from "./quantization.ts";
import { recurrentRules } from "./recurrent.ts";
import { reductionRules } from "./reductions.ts";
import { resizeRules } from "./resize.ts";
import { scatterRules } from "./scatter.ts";
import { spaceDepthRules } from "./space-depth.ts";

/** Every rewrite of an operator that TFLite does not have, or not in that form, into some that it has. */
export const LEGALISATIONS: readonly Rule[] = [
  ...activationRules,
  ...pointwiseRules,
  ...normRules,
  ...reductionRules,
  ...recurrentRules,
  ...resizeRules,
  ...spaceDepthRules,
  ...gatherRules,
  ...scatterRules,
  ...einsumRules,
  ...matrixRules,
  ...padRules,
  ...convTransposeRules,
  ...quantizationRules,
];

/** Operators that have rewrites, in some of their forms or all. */
export const COMPOSED: ReadonlySet<string> = new Set(LEGALISATIONS.flatMap(({ on }) => on));

/**
 * The graph (batch bound) with operators composed of those that TFLite has; the same object when there is nothing to do.
 * Throws EspalierError "unsupported" for a node that can be composed only in other forms.
 */
export function legalise(graph: Graph): Graph {
  // Most graphs have nothing to legalise, and setting the driver up hashes every node.
  if (!graph.nodes.some((node) => COMPOSED.has(node.op))) return graph;
  return applyRules(graph, LEGALISATIONS, { pass: "legalise-tflite" }).graph;
}
