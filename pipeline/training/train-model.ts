import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { holdOut } from "../../src/data/index.ts";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { writeOnnx } from "../../src/formats/onnx/index.ts";
import { sha256, writeFileAtomic } from "../../src/io/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { checkFit, evaluate, frozenByPatterns, headOf, type TrainOptions, train } from "../../src/train/index.ts";
import type { Progress } from "../progress.ts";
import { type Augmentation, augmentOf } from "./augmentation.ts";
import { checkpointFile } from "./checkpoint-file.ts";
import { epochLine, type Training } from "./result.ts";
import { type ScheduleName, scheduleOf } from "./schedule.ts";
import { fromFile, fromModel, fromScratch, type Splits, type StartingGraph } from "./starting-graph.ts";

/** What `espalier train` and `espalier finetune` are asked for. */
export interface TrainRequest {
  /** From new weights ("train"), or from those that the model has ("finetune"). */
  readonly from: "scratch" | "model";
  readonly model: string;
  readonly data: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly resume?: boolean;
  readonly epochs?: number;
  readonly batch?: number;
  readonly accumulate?: number;
  readonly rate?: number;
  readonly optimiser?: "sgd" | "adam" | "adamw";
  readonly schedule?: ScheduleName;
  readonly weightDecay?: number;
  readonly seed?: number;
  readonly augment?: Augmentation;
  readonly labelSmoothing?: number;
  readonly freeze?: readonly string[];
  readonly ema?: number;
  readonly clip?: number;
  readonly earlyStop?: number;
  readonly lora?: number;
  /** A model file; without labels default: the model itself. */
  readonly teacher?: string;
  readonly teacherWeight?: number;
  readonly temperature?: number;
  readonly labels?: boolean;
}

/** Peak learning rates: Adam's steps do not scale with the gradient, and adapters start from nothing. */
function defaultRate({ optimiser = "sgd", from, lora }: TrainRequest): number {
  const scratch = optimiser === "sgd" ? 0.05 : 0.002;
  if (from === "scratch") return scratch;
  return lora === undefined ? scratch / 10 : scratch / 2;
}

const DEFAULT_EPOCHS = { scratch: 10, model: 3 } as const;

/** Where the result goes: what was asked for, or a name of its own in the current folder. Refuses a place that cannot be written. */
async function destination(request: TrainRequest, name: string): Promise<string> {
  const out = request.out ?? `${name}.${request.from === "scratch" ? "trained" : "tuned"}.onnx`;
  if (!out.toLowerCase().endsWith(".onnx"))
    throw new EspalierError("usage", `The output "${basename(out)}" must end in .onnx`, {
      where: out,
      hint: "Training writes ONNX; espalier convert makes TFLite of it.",
    });
  const folder = await stat(dirname(out)).catch(() => null);
  if (folder?.isDirectory() !== true)
    throw new EspalierError("input", "The folder of the output does not exist", {
      where: dirname(out),
      hint: "Create it first.",
    });
  const there = await stat(out).catch(() => null);
  if (there?.isDirectory() === true)
    throw new EspalierError("input", "The output is a folder, a file is needed", { where: out });
  if (there !== null && request.force !== true)
    throw new EspalierError("input", "The output exists already", {
      where: out,
      hint: "Replace it with --force, or give another name.",
    });
  return out;
}

function optimiserOf({ optimiser = "sgd", weightDecay }: TrainRequest): TrainOptions["optimiser"] {
  if (optimiser === "sgd") return { kind: "sgd", weightDecay: weightDecay ?? 5e-4 };
  return { kind: optimiser, ...(weightDecay === undefined ? {} : { weightDecay }) };
}

async function teacherOf(request: TrainRequest, start: StartingGraph): Promise<TrainOptions["teacher"] | undefined> {
  const { teacher, labels = true, teacherWeight, temperature } = request;
  if (teacher === undefined && labels) {
    if (teacherWeight === undefined && temperature === undefined) return undefined;
    throw new EspalierError("usage", "--teacher-weight and --temperature are about a teacher, and there is none", {
      hint: "Name one with --teacher MODEL.",
    });
  }
  if (teacher === undefined && request.from === "scratch")
    throw new EspalierError("usage", "Without labels something must teach, and new weights know nothing", {
      hint: "Name a trained model with --teacher MODEL.",
    });
  const graph = teacher === undefined ? start.graph : (await fromFile(teacher)).graph;
  const weight = teacherWeight ?? (labels ? 0.5 : 1);
  return { graph, weight, labels, ...(temperature === undefined ? {} : { temperature }) };
}

/** The options of the trainer but for data, checkpoints and callbacks. */
async function trainOptions(request: TrainRequest, start: StartingGraph): Promise<TrainOptions> {
  const { batch = 64, accumulate, seed = 1, labelSmoothing, freeze, ema, clip, lora, augment = {} } = request;
  const teacher = await teacherOf(request, start);
  const change = augmentOf(augment, start.sampleShape);
  return {
    epochs: request.epochs ?? DEFAULT_EPOCHS[request.from],
    batch,
    seed,
    schedule: scheduleOf(request.schedule ?? "cosine", request.rate ?? defaultRate(request)),
    optimiser: optimiserOf(request)!,
    ...(accumulate === undefined ? {} : { accumulate }),
    ...(labelSmoothing === undefined ? {} : { labelSmoothing }),
    ...(freeze === undefined ? {} : { frozen: frozenByPatterns(start.graph, freeze) }),
    ...(ema === undefined ? {} : { ema }),
    ...(clip === undefined ? {} : { clip: { norm: clip } }),
    ...(lora === undefined ? {} : { adapters: { rank: lora } }),
    ...(change === undefined ? {} : { augment: change }),
    ...(augment.mixup === undefined ? {} : { mixUp: augment.mixup }),
    ...(teacher === undefined ? {} : { teacher }),
  };
}

/** Refuses data that do not fit, before anything is computed; fewer classes than the model has are only worth a word. */
function checkSplits(graph: Graph, { training, test }: Splits, progress: Progress): void {
  const head = headOf(graph);
  for (const split of [training, test]) checkFit(graph, head, split);
  const { classes, name } = training;
  if (classes.length > head.classes)
    throw new EspalierError("input", `The model has ${head.classes} classes, the data set has ${classes.length}`, {
      where: name,
      hint: "Give a model whose output has a score for each class, or `espalier train ARCHITECTURE`, which fits the data.",
    });
  if (classes.length < head.classes)
    progress.warn(`the model has ${head.classes} classes, the data set ${classes.length}: the others are learnt away`);
}

/**
 * Trains or fine-tunes a classifier, keeps the weights of the epoch that was best on held-out samples, and writes it as ONNX. A run that `signal` stops leaves
 * a checkpoint beside the output, with which the same request and `resume` goes on to the same bytes.
 */
export async function trainModel(request: TrainRequest, progress: Progress, signal: AbortSignal): Promise<Training> {
  const { from, model, data, seed = 1 } = request;
  const start = from === "scratch" ? await fromScratch(model, data, seed) : await fromModel(model, data);
  checkSplits(start.graph, start, progress);
  const out = await destination(request, start.name);
  const options = await trainOptions(request, start);
  const { train: learned, heldOut } = holdOut(start.training);
  const checkpoints = checkpointFile(out, { augment: request.augment ?? {}, data: start.training });
  const restore = request.resume === true ? await checkpoints.read() : null;
  const before = await evaluate(start.graph, start.test);
  progress.stage(
    from === "scratch" ? "train" : "finetune",
    `${learned.length} samples, ${heldOut.length} held out, batches of ${options.batch}`,
  );
  const { earlyStop } = request;
  const { graph, history, bestEpoch, stoppedEarly } = await train(start.graph, learned, {
    ...options,
    signal,
    validation: { data: heldOut, ...(earlyStop === undefined ? {} : { patience: earlyStop }) },
    checkpoint: { save: checkpoints.write, identity: checkpoints.identity, ...(restore === null ? {} : { restore }) },
    onProgress: ({ step, steps, loss }) => progress.step(step, steps, `loss ${loss.toFixed(3)}`),
    onEpoch: (record) => progress.note(epochLine(record)),
  });
  const after = await evaluate(graph, start.test);
  const bytes = writeOnnx(graph);
  await writeFileAtomic(out, bytes);
  await checkpoints.remove();
  const { training, test } = start;
  return {
    schema: 1,
    model,
    startedFrom: start.file?.sha256 ?? null,
    out,
    sha256: sha256(bytes),
    bytes: bytes.length,
    data: { name: training.name, train: learned.length, heldOut: heldOut.length, test: test.length },
    epochs: history,
    bestEpoch: bestEpoch!,
    stoppedEarly,
    before: { accuracy: before.accuracy, loss: before.loss },
    after: { accuracy: after.accuracy, loss: after.loss },
  };
}
