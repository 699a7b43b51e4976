import type { Pass } from "../rewrite/index.ts";
import { cancelTransposes } from "./cancel-transposes.ts";
import { eliminateCommonSubexpressions } from "./eliminate-common-subexpressions.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldChannelAffine } from "./fold-channel-affine.ts";
import { foldConstants } from "./fold-constants.ts";
import { freeBatchWith } from "./free-batch.ts";
import { fuseActivationClip } from "./fuse-activation-clip.ts";
import { liftActivations } from "./lift-activations.ts";
import { liftBatchNorm } from "./lift-batch-norm.ts";
import { liftGlobalPool } from "./lift-global-pool.ts";
import { liftLayerNorm } from "./lift-layer-norm.ts";
import { liftSoftmax } from "./lift-softmax.ts";
import { mergePads } from "./merge-pads.ts";
import { removeIdentity } from "./remove-identity.ts";
import { simplifyReshape } from "./simplify-reshape.ts";

/** A place in a pipeline, with the reason for it. */
export interface PipelineStep {
  readonly pass: Pass;
  readonly because: string;
}

/** From a model as it was exported to the graph that is trained and pruned; batch normalisation stays, because training needs it. */
export const importSteps: readonly PipelineStep[] = [
  {
    pass: foldConstants,
    because: "Shapes and weights that the exporter computes become plain constants for all that follows.",
  },
  { pass: removeIdentity, because: "Nodes that do nothing hide neighbours from the other rules." },
  {
    pass: simplifyReshape,
    because: "A reshape that spells no width survives pruning, and one that spells no batch survives another batch.",
  },
  {
    pass: eliminateCommonSubexpressions,
    because: "A mean that is written twice is one mean to the patterns below; what is computed once is charged once.",
  },
  {
    pass: freeBatchWith({ onFixed: "keep" }),
    because:
      "Training and calibration run many samples at a time. After the reshapes, so that few constants spell the batch; before transposes move, because a batch of 1 may not be taken for an axis that is not there.",
  },
  {
    pass: liftActivations,
    because: "One operator has one gradient and one kernel; its pieces would be quantised apart.",
  },
  { pass: liftSoftmax, because: "As above." },
  {
    pass: liftLayerNorm,
    because: "As above; before transposes move, because the operator normalises last axes only.",
  },
  {
    pass: cancelTransposes,
    because: "All that follows looks for channels on axis 1, and for neighbours that a Transpose would stand between.",
  },
  { pass: removeIdentity, because: "What remains of moved transposes may do nothing." },
  { pass: simplifyReshape, because: "Transposes of axes of size 1 have become reshapes." },
  { pass: mergePads, because: "A convolution with its own padding is one layer to cost models and to training." },
  {
    pass: liftBatchNorm,
    because: "Before the fold below, which would take it for a bias: training needs the normalisation.",
  },
  { pass: foldChannelAffine, because: "A bias written as an addition is a weight of its layer." },
  {
    pass: fuseActivationClip,
    because: "ReLU6 and hard-swish in one piece have one gradient, and one kernel in every runtime.",
  },
  { pass: liftGlobalPool, because: "Every runtime has a kernel for it that is faster than a reduction." },
  { pass: eliminateCommonSubexpressions, because: "What was told apart by layout or spelling may now be the same." },
];

/** From the trained graph to the one that is emitted. */
export const deploySteps: readonly PipelineStep[] = [
  { pass: foldConstants, because: "Pruning and training may leave nodes between constants." },
  { pass: removeIdentity, because: "Dropout and identities stand between a convolution and its normalisation." },
  { pass: foldBatchNorm, because: "A runtime should not compute what the weights can hold." },
  { pass: foldChannelAffine, because: "Scales that remain after normalisation is folded go into the weights too." },
  { pass: fuseActivationClip, because: "Every target has a kernel for the fused activation." },
  { pass: simplifyReshape, because: "Chains of reshapes cost memory traffic on some runtimes." },
  { pass: eliminateCommonSubexpressions, because: "No runtime should compute a value twice." },
];

/** The passes of `importSteps`, in order. */
export const importPipeline: readonly Pass[] = importSteps.map((step) => step.pass);
/** The passes of `deploySteps`, in order. */
export const deployPipeline: readonly Pass[] = deploySteps.map((step) => step.pass);
