import type { Graph } from "../../ir/index.ts";
import type { Checkpoint, TrainingData, TrainOptions } from "../../train/index.ts";
import type { ChooseOptions } from "../choose-cut.ts";
import type { CostLimit } from "../choose-within.ts";
import type { Criterion, CriterionName } from "../criteria/index.ts";
import type { Cut, PruneGroup, PruneGroups } from "../group-types.ts";
import type { ScoreOptions } from "../score.ts";
import type { AdaptiveMethod } from "./adaptive.ts";
import type { GradualMethod } from "./gradual.ts";
import type { GroupLassoMethod } from "./group-lasso.ts";
import type { GrowingMethod } from "./growing-regularisation.ts";
import type { SlimmingMethod } from "./network-slimming.ts";
import type { OneShotMethod } from "./one-shot.ts";
import type { RewindingMethod } from "./rewinding.ts";
import type { SoftMaskMethod } from "./soft-masks.ts";
import type { StructureMethod } from "./structure-parameters.ts";

/** A way of pruning while training, with its settings. */
export type PruningMethod =
  | OneShotMethod
  | GradualMethod
  | GroupLassoMethod
  | SlimmingMethod
  | GrowingMethod
  | SoftMaskMethod
  | StructureMethod
  | RewindingMethod
  | AdaptiveMethod;

/** What a run did: one record a part that was trained. */
export interface PruneRound {
  /** Which part of the run: before anything is pruned, while it is, or afterwards. */
  readonly phase: PrunePhase;
  /** From 0. */
  readonly round: number;
  /** Updates of the weights. */
  readonly steps: number;
  /** Units that were there while it was trained, of how many. */
  readonly kept: number;
  readonly size: number;
  /** Mean training loss, penalties included; null where no update was made. */
  readonly loss: number | null;
  /** On the validation samples afterwards; null without any. */
  readonly accuracy: number | null;
  /** Whether the round stays ("adaptive" takes back those that cost too much). */
  readonly accepted: boolean;
}

/** What a part of the run is for: plain training, making units small, or recovery after a cut. */
export type PrunePhase = "train" | "sparsify" | "finetune";

/** How far a run is. */
export interface PruneProgress {
  readonly phase: PrunePhase;
  readonly round: number;
  /** Updates that are made, of the whole run. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly rate: number;
}

/** How `train` trains in every part of the run. Projections between features of a teacher start anew in each. */
export type PruneTrainSettings = Pick<
  TrainOptions,
  | "batch"
  | "accumulate"
  | "losses"
  | "optimiser"
  | "schedule"
  | "clip"
  | "labelSmoothing"
  | "teacher"
  | "frozen"
  | "batchNorm"
  | "augment"
  | "mixUp"
  | "recompute"
  | "memoryLimit"
  | "threads"
>;

/** What is kept of a run, one checkpoint of the trainer for each part, so that it can go on where it was stopped, with the same bytes in the end. */
export interface PruneCheckpointOptions {
  /** Called after each epoch of a part (from 0), at its end, every `every` updates if given, and when the run is cancelled. The last one of each part is needed. */
  readonly save: (part: number, checkpoint: Checkpoint) => void | Promise<void>;
  readonly every?: number;
  /** The last checkpoint of a part, where there is one: a part that was finished is not trained again. One of another run is refused. */
  readonly restore?: (part: number) => Checkpoint | undefined | Promise<Checkpoint | undefined>;
  /** What the run depends on besides the options, such as the augmentation and the starting weights: a text that must be the same when it is resumed. */
  readonly identity?: string;
}

/** How a graph is pruned while it is trained. Exactly one of `keep` and `within` says how much stays ("adaptive" may do without). */
export interface PruneTrainingOptions {
  readonly method: PruningMethod;
  /** Share of the units to keep. */
  readonly keep?: number;
  /** A cost and its limit; its cuts are units of the given graph's groups (`findGroups`). */
  readonly within?: CostLimit;
  /** Default: the method's own, "l1" where it has none. */
  readonly criterion?: CriterionName | Criterion;
  readonly score?: Pick<ScoreOptions, "reduction" | "normalisation" | "roles" | "otherwise">;
  /** Samples that the criterion looks at; default its own. */
  readonly evidenceSamples?: number;
  /** Default "global". */
  readonly scope?: "global" | "local";
  readonly alignment?: ChooseOptions["alignment"];
  readonly minimum?: ChooseOptions["minimum"];
  /** Units that are pruned; default "channels". */
  readonly kind?: PruneGroup["kind"];
  /** Length of the whole run, the training after the last cut included; give one of both, default 1 epoch. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Order of samples, augmentation, noise and criteria; default 0. */
  readonly seed?: number;
  /** Samples that the model is judged by after each part of the run; "adaptive" needs them. */
  readonly validation?: TrainingData;
  readonly train?: PruneTrainSettings;
  readonly checkpoint?: PruneCheckpointOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PruneProgress) => void;
}

/** What pruning while training made. */
export interface PruneTrainingResult {
  /** Cut and trained. */
  readonly graph: Graph;
  /** Ids of the units that are gone: of `findGroups` of the given graph, and the same of `groups`. */
  readonly cut: Cut;
  /** The given graph with trained weights and nothing cut: `graph` is `cutGraph(trained, groups, cut)`, so that masked = cut can be proved. */
  readonly trained: Graph;
  /** Groups of `trained`. */
  readonly groups: PruneGroups;
  readonly history: readonly PruneRound[];
}
