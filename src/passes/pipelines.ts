import type { Pass } from "../rewrite/index.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldConstants } from "./fold-constants.ts";
import { freeBatchWith } from "./free-batch.ts";
import { removeIdentity } from "./remove-identity.ts";

/** A place in a pipeline, with the reason for it. */
export interface PipelineStep {
  readonly pass: Pass;
  readonly because: string;
}

/** From a model as it was exported to the graph that is trained and pruned; batch normalisation stays, because training needs it. */
export const importSteps: readonly PipelineStep[] = [
  { pass: foldConstants, because: "shapes and weights that the exporter computes become plain constants for all that follows" },
  { pass: removeIdentity, because: "nodes that do nothing would hide neighbours from the other rules" },
  { pass: freeBatchWith({ onFixed: "keep" }), because: "training and calibration run many samples at a time" },
];

/** From the trained graph to the one that is emitted. */
export const deploySteps: readonly PipelineStep[] = [
  { pass: foldConstants, because: "weights rewritten by pruning may be wrapped in constant nodes" },
  { pass: removeIdentity, because: "dropout and identities stand between a convolution and its normalisation" },
  { pass: foldBatchNorm, because: "a runtime should not normalise what its weights can hold" },
];

export const importPipeline: readonly Pass[] = importSteps.map((step) => step.pass);
export const deployPipeline: readonly Pass[] = deploySteps.map((step) => step.pass);
