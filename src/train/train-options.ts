import type { Graph } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { AdapterOptions } from "./adapters.ts";
import type { Augment } from "./augment.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Clip } from "./clip-gradients.ts";
import type { FeaturePair } from "./feature-distillation.ts";
import type { TrainingGraphOptions } from "./forward.ts";
import type { Distillation } from "./losses.ts";
import type { OutputLoss } from "./objective.ts";
import type { Optimiser } from "./optimisers.ts";
import type { Penalty } from "./penalties.ts";
import type { Metric } from "./plateau.ts";
import type { Schedule } from "./schedules.ts";
import type { OptimiserMemory, Segment } from "./segment.ts";
import type { StepInput } from "./step-inputs.ts";
import type { TrainingData } from "./training-data.ts";
import type { Validation } from "./validation.ts";

export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly rate: number;
}

/** Samples that are looked at after each epoch, and what follows from them. */
export interface ValidationOptions {
  readonly data: TrainingData;
  /** Default "accuracy" where the model has class scores, else "loss". */
  readonly metric?: Metric;
  /** Epochs without a better result after which training ends; default: never. */
  readonly patience?: number;
  /** By how much a result must be better to count; default 0. */
  readonly least?: number;
  /** Whether the result is the model of the best epoch rather than the last; default true. */
  readonly keepBest?: boolean;
}

/** What is kept of a run, so that it can go on where it was stopped, with the same bytes in the end. */
export interface CheckpointOptions {
  /** Called after each epoch, every `every` updates if given, and when training is cancelled. */
  readonly save: (checkpoint: Checkpoint) => void | Promise<void>;
  readonly every?: number;
  /** Where to go on; refused when it is of another model, data set or other options. */
  readonly restore?: Checkpoint;
  /** What the run depends on besides the options, such as the augmentation: a text that must be the same when it is resumed. */
  readonly identity?: string;
}

/** How `train` trains; only the length (`epochs` or `steps`) matters to most callers. */
export interface TrainOptions {
  /** Passes over the data; give this or `steps`. */
  readonly epochs?: number;
  /** Updates of the weights. */
  readonly steps?: number;
  /** Default 64, or the whole data set when it is smaller. */
  readonly batch?: number;
  /** Batches whose gradients are averaged for one update; default 1. Batch normalisation sees each batch by itself. */
  readonly accumulate?: number;
  /** Default: the cross-entropy of a classifier's only output. */
  readonly losses?: readonly OutputLoss[];
  /** Default SGD with Nesterov momentum 0.9 and weight decay 5e-4. */
  readonly optimiser?: Optimiser;
  /** Default a cosine from 0.05 with 5 % warm-up. */
  readonly schedule?: Schedule;
  readonly clip?: Clip;
  /** Decay of a moving average of weights and running statistics, which is the result then (and what is validated); 0.999 is usual. */
  readonly ema?: number;
  /** Of cross-entropies; default 0. */
  readonly labelSmoothing?: number;
  /** A trained model of the same samples whose logits, and values inside it, are imitated. */
  readonly teacher?: Distillation & { readonly graph: Graph; readonly features?: readonly FeaturePair[] };
  /** 0/1 tensors by weight name: positions at 0 stay 0. */
  readonly masks?: ReadonlyMap<string, Tensor>;
  readonly frozen?: ReadonlySet<string>;
  /** Trains low-rank adapters only, which are fused into the weights in the end. */
  readonly adapters?: AdapterOptions;
  /** Share of the old value that running statistics keep each step (default 0.9), or "frozen". */
  readonly batchNorm?: number | "frozen";
  /** Order of samples, augmentation, adapters and projections; default 0. */
  readonly seed?: number;
  readonly augment?: Augment;
  /** Alpha of mix-up (Zhang et al. 2018); default 0, which is none. */
  readonly mixUp?: number;
  readonly validation?: ValidationOptions;
  readonly checkpoint?: CheckpointOptions;
  /** Constants by name that are learned besides the weights (quantisation-aware training, gates). */
  readonly learned?: TrainingGraphOptions["learned"];
  /** Changes the forward pass before the loss is taken (quantisation-aware training, gates). */
  readonly prepare?: TrainingGraphOptions["prepare"];
  /** Terms of the loss that are about weights: the reported loss has them, validation does not. */
  readonly penalties?: readonly Penalty[];
  /** Inputs that penalties and `prepare` read and that are fed anew at each update. */
  readonly stepInputs?: readonly StepInput[];
  /** Only these updates of the run; default: all. */
  readonly segment?: Segment;
  /** Into how many segments the forward pass is cut to save memory; what does not cross a cut is computed again in the backward pass. Default: none is. */
  readonly recompute?: number;
  /** Bytes that a training step may need (`trainingMemory` tells how many it does); default: any number. */
  readonly memoryLimit?: number;
  /** Threads of ONNX Runtime; default all. */
  readonly threads?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  readonly signal?: AbortSignal;
}

/** What an epoch (or what was run of it) came to. */
export interface EpochRecord {
  readonly epoch: number;
  /** Updates. */
  readonly steps: number;
  /** Mean training loss. */
  readonly loss: number;
  /** Share of training samples (as augmented) whose greatest score is the label's; null without class scores. */
  readonly accuracy: number | null;
  readonly validation?: Validation;
}

/** The graph with its trained weights, and what each epoch came to. */
export interface TrainResult {
  readonly graph: Graph;
  readonly history: readonly EpochRecord[];
  /** Of the graph's weights, where the best are kept. */
  readonly bestEpoch?: number;
  /** Whether training ended before its time because validation no longer got better. */
  readonly stoppedEarly: boolean;
  /** What the optimiser remembers in the end, where a `segment` was asked for. */
  readonly memory?: OptimiserMemory;
}
