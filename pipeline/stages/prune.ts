import { cutOf, findGroups, joinCuts, proveCut, proveGroups } from "../../src/prune/index.ts";
import { evaluate, reestimateBatchNorm } from "../../src/train/index.ts";
import { runOnce } from "../../src/runtimes/index.ts";
import { totalMacs } from "../../targets/index.ts";
import { candidate, cutFor } from "../candidates.ts";
import { runStage, type RunContext, type Staged } from "../context.ts";
import { graphFiles } from "../graph-file.ts";
import type { Budget } from "./budget.ts";
import type { ImportedModel } from "./import.ts";
import type { Sensitivity } from "./sensitivity.ts";

export interface CutProof {
  /** The group, or "the chosen cut". */
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
  readonly changed: boolean;
}
