import { valueById } from "../../src/ir/index.ts";
import { findGroups, proveBlocks, proveGroups, proveRemoval } from "../../src/prune/index.ts";
import { runOnce } from "../../src/runtimes/index.ts";
import { evaluate, reestimateBatchNorm } from "../../src/train/index.ts";
import { totalMacs } from "../../targets/index.ts";
import { candidate, candidateOptions, cutFor, removedBy } from "../candidates.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import { graphFiles } from "../graph-file.ts";
import type { Budget } from "./budget.ts";
import type { ImportedModel } from "./import.ts";
import { REESTIMATE, type Sensitivity } from "./sensitivity.ts";

export interface CutProof {
  /** The group or block, or "the chosen cut". */
  readonly subject: string;
  /** Largest absolute difference between the masked original and the cut graph, in ONNX Runtime. */
  readonly difference: number;
  readonly tolerance: number;
  readonly samples: number;
}

export interface Pruned {
  readonly proofs: readonly CutProof[];
  readonly macs: number;
  /** On the held-out split, after batch-norm re-estimation and before fine-tuning. */
  readonly accuracy: number;
  /** False when every group keeps all its units, and every block stays. */
  readonly changed: boolean;
}

/** Test samples that the proofs run on. */
const PROOF_SAMPLES = 8;

/** Cuts the chosen units out of the graph and proves it: for every group, and for the chosen cut, masking and cutting give the same outputs. */
export async function pruneStage(
  context: RunContext,
  model: ImportedModel,
  sensitivity: Staged<Sensitivity>,
  budget: Staged<Budget>,
): Promise<Staged<Pruned>> {
  const { config, data } = context;
  return runStage(context, {
    name: "prune",
    what: "cut the units out and prove each cut",
    inputs: { budget: budget.key },
    compute: async () => {
      const groups = findGroups(model.graph);
      const options = candidateOptions(model.graph, config);
      const { blocks = [] } = options;
      const { scores } = sensitivity.json;
      const { kept } = budget.json;
      const indices = Int32Array.from({ length: Math.min(PROOF_SAMPLES, data.heldOut.length) }, (_, i) => i);
      const inputs = { [valueById(model.graph, model.graph.inputs[0]!).name]: data.heldOut.batch(indices) };
      const proving = { run: runOnce, inputs, seed: config.seed };
      const rowOf = (subject: string, proof: { readonly maxAbs: number; readonly tolerance: number }): CutProof => ({
        subject,
        difference: proof.maxAbs,
        tolerance: proof.tolerance,
        samples: indices.length,
      });
      const proved = await proveGroups(model.graph, groups, proving);
      const proofs = proved.map((proof) => rowOf(proof.name, proof));
      for (const block of blocks) proofs.push(rowOf(block.name, await proveBlocks(model.graph, [block], proving)));
      const gone = cutFor(groups, scores, kept, options);
      const removed = removedBy(blocks, kept);
      const changed = gone.size > 0 || removed.length > 0;
      if (changed)
        proofs.push(rowOf("the chosen cut", await proveRemoval(model.graph, groups, gone, removed, proving)));
      const cut = candidate(model.graph, groups, scores, kept, options);
      const graph = changed ? await reestimateBatchNorm(cut, data.train, REESTIMATE) : cut;
      const { accuracy } = await evaluate(graph, data.heldOut);
      return { files: graphFiles(graph), json: { proofs, macs: totalMacs(graph), accuracy, changed } };
    },
    summary: ({ accuracy, proofs }) =>
      `${proofs.length} proofs; ${(100 * accuracy).toFixed(2)} % accurate before fine-tuning (held-out)`,
  });
}
