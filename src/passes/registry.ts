import { EspalierError, suggestion } from "../diagnostics/index.ts";
import type { Graph } from "../ir/index.ts";
import { type Pass, type RunOptions, run } from "../rewrite/index.ts";
import { bindBatch } from "./bind-batch.ts";
import { cancelTransposes } from "./cancel-transposes.ts";
import { channelsFirstInputs } from "./channels-first-inputs.ts";
import { convertFloat16 } from "./convert-float16.ts";
import { eliminateCommonSubexpressions } from "./eliminate-common-subexpressions.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldChannelAffine } from "./fold-channel-affine.ts";
import { foldConstants } from "./fold-constants.ts";
import { freeBatch } from "./free-batch.ts";
import { fuseActivationClip } from "./fuse-activation-clip.ts";
import { liftActivations } from "./lift-activations.ts";
import { liftBatchNorm } from "./lift-batch-norm.ts";
import { liftGlobalPool } from "./lift-global-pool.ts";
import { liftLayerNorm } from "./lift-layer-norm.ts";
import { liftSoftmax } from "./lift-softmax.ts";
import { lowerBatchNorm } from "./lower-batch-norm.ts";
import { mergePads } from "./merge-pads.ts";
import { removeIdentity } from "./remove-identity.ts";
import { simplifyReshape } from "./simplify-reshape.ts";

const all: readonly Pass[] = [
  bindBatch(1),
  cancelTransposes,
  channelsFirstInputs,
  convertFloat16,
  eliminateCommonSubexpressions,
  foldBatchNorm,
  foldChannelAffine,
  foldConstants,
  freeBatch,
  fuseActivationClip,
  liftActivations,
  liftBatchNorm,
  liftGlobalPool,
  liftLayerNorm,
  liftSoftmax,
  lowerBatchNorm,
  mergePads,
  removeIdentity,
  simplifyReshape,
];

/** Every pass with its default options, by name. */
export const PASSES: ReadonlyMap<string, Pass> = new Map(all.map((pass) => [pass.name, pass]));

/** Runs passes in order, given as values or by name, and validates the graph after each that changed it. The graph itself comes back when none did. */
export function runPasses(graph: Graph, passes: readonly (Pass | string)[], options: RunOptions = {}): Graph {
  const resolved = passes.map((pass) => {
    const found = typeof pass === "string" ? PASSES.get(pass) : pass;
    if (found === undefined)
      throw new EspalierError("usage", `There is no pass "${pass}"`, {
        hint: suggestion(String(pass), [...PASSES.keys()]),
      });
    return found;
  });
  return run(graph, resolved, options).graph;
}
