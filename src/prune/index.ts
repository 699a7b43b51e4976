/**
 * Structured pruning.
 *
 *     const groups = findGroups(graph);                                  // what can be cut, and what cannot and why
 *     const scores = scoreGroups(graph, groups, "l1");                   // group id -> score of each unit
 *     const known = await gatherEvidence(graph, groups, "taylor", data); // what criteria beyond weights need, then scoreGroups(..., known)
 *     const group = groups.groups[0]!;
 *     const kept = selectUnits(group, scores.get(group.id)!, 48, 8);     // at least 48 units, a multiple of 8
 *     const cut = joinCuts([cutOf(group, kept), ...]);                   // unit ids that go, over several groups
 *     const small = cutGraph(graph, groups, cut);                        // sliced weights, validated
 *     const shapes = cutShapes(graph, groups, cut);                      // the same shapes without the weights: for cost models
 *     const proof = await proveCut(graph, groups, cut, { run, inputs }); // masked original = cut graph
 *
 * `findGroups(graph, { allowNormStatistics: true })` also cuts widths that a layer norm normalises (docs/coupling.md, Statistics).
 * Unit ids are unique in the graph and stay valid for the graph that `findGroups` was given; cut graphs keep its value names.
 */
export { type ChooseOptions, chooseCut, type Granularity } from "./choose-cut.ts";
export { type CostLimit, chooseCutWithin } from "./choose-within.ts";
export type { CouplingOptions } from "./coupling.ts";
export {
  type Accumulator,
  type ActivationCriterion,
  CRITERIA,
  type Criterion,
  type CriterionName,
  type CriterionNeeds,
  type DrawCriterion,
  type ElementCriterion,
  type JointCriterion,
  type ObservedBatch,
  type SampleCriterion,
  type Site,
  type VectorCriterion,
} from "./criteria/index.ts";
export { type CountOptions, cutToCounts } from "./cut-to-counts.ts";
export {
  type BlockScoreOptions,
  enclosingBlocks,
  findBlocks,
  maskBlocks,
  type PruneBlock,
  proveBlocks,
  proveRemoval,
  removeBlocks,
  scoreBlocks,
  withoutBlocks,
} from "./depth/index.ts";
export { type CriterionEvidence, type EvidenceOptions, gatherEvidence } from "./evidence.ts";
export { granularityOf, type UnitKind } from "./granularity.ts";
export type {
  Cut,
  FrozenAxis,
  GroupMember,
  PruneGroup,
  PruneGroups,
  PruneUnit,
  UnitSlice,
} from "./group-types.ts";
export { findGroups } from "./groups.ts";
export { maskGraph } from "./mask-graph.ts";
export {
  applyMask,
  type Blocks,
  type CheckedLayer,
  type CheckedMask,
  checkMask,
  checkNofM,
  type KernelPatterns,
  type KernelShape,
  MASK_CRITERIA,
  type MaskableWeight,
  type MaskCriterion,
  type MaskedWeights,
  type MaskLayer,
  type MaskOptions,
  type MaskPattern,
  type MaskRow,
  type MaskThresholds,
  maskableWeights,
  maskLayers,
  maskNofM,
  maskSamples,
  maskWeights,
  type NofM,
  patternText,
  type Stripes,
  type Unstructured,
} from "./masks/index.ts";
export type { Normalisation } from "./normalise.ts";
export { dataBatches, type LabelledBatch, observeUnits } from "./observe-units.ts";
export {
  type CutProof,
  compareCut,
  defaultTolerance,
  type GroupProof,
  largestDifference,
  type ProofOptions,
  proveCut,
  proveGroups,
} from "./proof.ts";
export {
  type Feeds,
  RECOVERY_METHODS,
  type Recovered,
  type RecoveredLayer,
  type RecoverOptions,
  type RecoveryMethod,
  recover,
} from "./recover/index.ts";
export { cutGraph, cutShapes } from "./rewrite.ts";
export { criterionOf, type ScoreOptions, scoreGroups } from "./score.ts";
export { cutOf, joinCuts, keepCounts, selectUnits } from "./selection.ts";
export {
  PRUNING_METHODS,
  type PruneCheckpointOptions,
  type PrunePhase,
  type PruneProgress,
  type PruneRound,
  type PruneTrainingOptions,
  type PruneTrainingResult,
  type PruneTrainSettings,
  type PruningMethod,
  pruneWhileTraining,
} from "./training/index.ts";
export { type Freeze, type Place, whyFrozen, whyTogether } from "./why.ts";
export { type AxisFreeze, type AxisGroup, type AxisWhy, type Companion, whyAxes } from "./why-axis.ts";
