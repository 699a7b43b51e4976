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
 * Unit ids are unique in the graph and stay valid for the graph that `findGroups` was given; cut graphs keep its value names.
 */
export { type ChooseOptions, chooseCut } from "./choose-cut.ts";
export { type CostLimit, chooseCutWithin } from "./choose-within.ts";
export {
  type Accumulator,
  type ActivationCriterion,
  CRITERIA,
  type Criterion,
  type CriterionName,
  type CriterionNeeds,
  type DrawCriterion,
  type ElementCriterion,
  type ObservedBatch,
  type SampleCriterion,
  type Site,
  type VectorCriterion,
} from "./criteria/index.ts";
export { type CriterionEvidence, type EvidenceOptions, gatherEvidence } from "./evidence.ts";
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
  checkNofM,
  type MaskableWeight,
  type MaskThresholds,
  maskableWeights,
  maskNofM,
} from "./masks.ts";
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
export { cutGraph, cutShapes } from "./rewrite.ts";
export { criterionOf, type ScoreOptions, scoreGroups } from "./score.ts";
export { cutOf, joinCuts, keepCounts, selectUnits } from "./selection.ts";
export { type Freeze, type Place, whyFrozen, whyTogether } from "./why.ts";
