/**
 * Zeros that cannot be cut: masks of single weights, n:m, kernel shapes, stripes, kernel patterns and blocks.
 *
 *     const { graph: sparse, masks, layers } = await maskWeights(graph, { kind: "n-of-m", n: 2, m: 4 }, { criterion: "wanda", samples });
 *     const tuned = await train(sparse, data, { masks });          // zeros stay zero
 *     checkMask(tuned.graph, { kind: "n-of-m", n: 2, m: 4 });      // reads the weights: violations, zeros
 */
export { type CheckedLayer, type CheckedMask, checkMask } from "./check-mask.ts";
export { INPUT_MEMORY } from "./input-passes.ts";
export type { Feeds } from "./layer-inputs.ts";
export { type MaskLayer, maskLayers, type WeightUse } from "./mask-layers.ts";
export {
  type Blocks,
  type KernelPatterns,
  type KernelShape,
  MASK_CRITERIA,
  type MaskCriterion,
  type MaskPattern,
  type NofM,
  patternText,
  type Stripes,
  type Unstructured,
} from "./mask-pattern.ts";
export { maskSamples } from "./mask-samples.ts";
export { type MaskedWeights, type MaskOptions, type MaskRow, maskWeights } from "./mask-weights.ts";
export { type MaskableWeight, type MaskThresholds, maskableWeights } from "./maskable-weights.ts";
export { applyMask, checkNofM, maskNofM } from "./n-of-m.ts";
export type { WeightMatrix } from "./weight-matrix.ts";
