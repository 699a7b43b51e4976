import { EspalierError } from "../diagnostics/index.ts";
import type { Graph } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { seededRandom, type Tensor } from "../tensor/index.ts";
import type { Augment } from "./augment.ts";
import { checkFit, headOf } from "./head.ts";
import { type Distillation, smoothedTargets } from "./losses.ts";
import { correctionsAt, type Optimiser } from "./optimisers.ts";
import { rateAt, type Schedule } from "./schedules.ts";
import { openStepper, type Stepper } from "./stepper.ts";
import { openTeacher, type Teacher } from "./teacher.ts";
import { trainingGraph } from "./training-graph.ts";

/** What training needs of a data set. */
export interface TrainingData {
  readonly name: string;
  readonly sampleShape: readonly number[];
  readonly length: number;
  readonly labels: Int32Array;
  batch(indices: ArrayLike<number>): Tensor<"float32">;
}

export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly rate: number;
}

/** How `train` trains; only the length (`epochs` or `steps`) matters to most callers. */
export interface TrainOptions {
  /** Passes over the data; give this or `steps`. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Default 64, or the whole data set when it is smaller. */
  readonly batch?: number;
  /** Default SGD with Nesterov momentum 0.9 and weight decay 5e-4. */
  readonly optimiser?: Optimiser;
  /** Default a cosine from 0.05 with 5 % warm-up. */
  readonly schedule?: Schedule;
  /** Default 0. */
  readonly labelSmoothing?: number;
  /** A trained classifier of the same samples and classes, whose logits are imitated. */
  readonly teacher?: Distillation & { readonly graph: Graph };
  /** 0/1 tensors by weight name: positions at 0 stay 0. */
  readonly masks?: ReadonlyMap<string, Tensor>;
  readonly frozen?: ReadonlySet<string>;
  /** Share of the old value that running statistics keep each step (default 0.9), or "frozen". */
  readonly batchNorm?: number | "frozen";
  /** Order of samples and augmentation; default 0. */
  readonly seed?: number;
  readonly augment?: Augment;
  /** Threads of ONNX Runtime; default all. */
  readonly threads?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Mean training loss and accuracy over an epoch (or what was run of it). */
export interface EpochRecord {
  readonly epoch: number;
  readonly steps: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** The graph with its trained weights, and what each epoch came to. */
export interface TrainResult {
  readonly graph: Graph;
  readonly history: readonly EpochRecord[];
}

const DEFAULT_OPTIMISER: Optimiser = { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 5e-4 };
const DEFAULT_SCHEDULE: Schedule = { kind: "cosine", rate: 0.05, warmUp: 0.05 };

interface Plan {
  readonly batch: number;
  readonly perEpoch: number;
  readonly steps: number;
}

function planOf(data: TrainingData, options: TrainOptions): Plan {
  if (data.length === 0) throw new EspalierError("input", "The data set is empty", { where: data.name });
  const batch = Math.min(options.batch ?? 64, data.length);
  const perEpoch = Math.floor(data.length / batch);
  const steps = options.steps ?? (options.epochs ?? 1) * perEpoch;
  if (batch < 1 || !Number.isInteger(batch) || !(steps >= 0))
    throw new EspalierError("usage", `Training needs a positive batch and number of steps, got ${batch} and ${steps}`);
  return { batch, perEpoch, steps: Math.round(steps) };
}

/**
 * Trains the float32 weights of a classifier by cross-entropy with the labels and returns a graph with the new weights and running statistics.
 * Each epoch goes through the data once in a new order; what does not fill a batch is left to another epoch. The same graph, data, options and thread
 * count give the same bytes.
 * @throws EspalierError "input" when data and model do not fit, "runtime" when the loss stops being a number, "usage" when cancelled.
 */
export async function train(graph: Graph, data: TrainingData, options: TrainOptions = {}): Promise<TrainResult> {
  const head = headOf(graph);
  checkFit(graph, head, data);
  const plan = planOf(data, options);
  const optimiser = options.optimiser ?? DEFAULT_OPTIMISER;
  const training = trainingGraph(graph, {
    batch: plan.batch,
    optimiser,
    ...(options.teacher === undefined ? {} : { distillation: options.teacher }),
    ...(options.masks === undefined ? {} : { masks: options.masks }),
    ...(options.frozen === undefined ? {} : { frozen: options.frozen }),
    ...(options.batchNorm === undefined ? {} : { batchNorm: options.batchNorm }),
  });
  const teacher = options.teacher === undefined ? null : await openTeacher(options.teacher.graph, options.threads);
  const stepper = await openStepper(training, options.threads);
  try {
    const history = await run(stepper, data, options, plan, optimiser, head.classes, teacher);
    const builder = editGraph(graph);
    for (const [id, value] of stepper.weights()) builder.setConstant(id, value);
    return { graph: builder.build(), history };
  } finally {
    await stepper.close();
    await teacher?.close();
  }
}

async function run(
  stepper: Stepper,
  data: TrainingData,
  options: TrainOptions,
  plan: Plan,
  optimiser: Optimiser,
  classes: number,
  teacher: Teacher | null,
): Promise<EpochRecord[]> {
  const seed = options.seed ?? 0;
  const schedule = options.schedule ?? DEFAULT_SCHEDULE;
  const history: EpochRecord[] = [];
  const order = Int32Array.from({ length: data.length }, (_, i) => i);
  let sum = { steps: 0, loss: 0, hits: 0 };
  for (let step = 0; step < plan.steps; step++) {
    const epoch = Math.floor(step / plan.perEpoch);
    const at = step % plan.perEpoch;
    if (at === 0) {
      order.forEach((_, i) => {
        order[i] = i;
      });
      seededRandom(seed, `order/${epoch}`).shuffle(order);
      sum = { steps: 0, loss: 0, hits: 0 };
    }
    if (options.signal?.aborted === true) throw new EspalierError("usage", `Training was cancelled at step ${step}`);
    const indices = order.subarray(at * plan.batch, (at + 1) * plan.batch);
    const samples = data.batch(indices);
    options.augment?.(samples, seededRandom(seed, `augment/${step}`));
    const labels = Int32Array.from(indices, (index) => data.labels[index]!);
    const rate = rateAt(schedule, step, plan.steps);
    const { loss, logits } = await stepper.step({
      samples,
      target: smoothedTargets(labels, classes, options.labelSmoothing ?? 0),
      ...(teacher === null ? {} : { teacher: await teacher.logits(samples) }),
      rate,
      corrections: correctionsAt(optimiser, step + 1),
    });
    if (!Number.isFinite(loss)) throw diverged(step, loss, rate);
    sum.steps++;
    sum.loss += loss;
    sum.hits += hits(logits, labels, classes);
    options.onProgress?.({ step: step + 1, steps: plan.steps, epoch, loss, rate });
    if (at === plan.perEpoch - 1 || step === plan.steps - 1)
      history.push({
        epoch,
        steps: sum.steps,
        loss: sum.loss / sum.steps,
        accuracy: sum.hits / (sum.steps * plan.batch),
      });
  }
  return history;
}

function diverged(step: number, loss: number, rate: number): EspalierError {
  return new EspalierError(
    "runtime",
    `The training loss became ${loss} at step ${step + 1}, with learning rate ${rate}`,
    {
      hint: "Lower the learning rate, lengthen the warm-up, or check that the samples are normalised as the model expects.",
    },
  );
}

/** Number of rows whose greatest logit is the label's. */
export function hits(logits: Float32Array, labels: ArrayLike<number>, classes: number): number {
  let count = 0;
  for (let i = 0; i < labels.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[i * classes + k]! > logits[i * classes + best]!) best = k;
    if (best === labels[i]) count++;
  }
  return count;
}
