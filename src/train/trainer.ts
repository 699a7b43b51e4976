import { createHash } from "node:crypto";
import { type Graph, hashGraph } from "../ir/index.ts";
import { checkLabels, checkSampleShape } from "./head.ts";
import { type Term, termsOf } from "./objective.ts";
import type { Optimiser } from "./optimisers.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Schedule } from "./schedules.ts";
import { checkSegment, withMemory } from "./segment.ts";
import { inputSamples } from "./step-inputs.ts";
import { openStepper } from "./stepper.ts";
import { checkTeacher, knownPairs, openTeacher, type Teacher } from "./teacher.ts";
import type { TrainOptions, TrainResult } from "./train-options.ts";
import type { TrainingData } from "./training-data.ts";
import { type TrainingGraph, type TrainingGraphOptions, trainingGraph } from "./training-graph.ts";
import { checkMemory } from "./training-memory.ts";
import { type Run, runTraining } from "./training-run.ts";

const DEFAULT_OPTIMISER: Optimiser = { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 5e-4 };
const DEFAULT_SCHEDULE: Schedule = { kind: "cosine", rate: 0.05, warmUp: 0.05 };

/** Refuses data that do not fit the model, each with what it has and what the model takes. */
function checkData(graph: Graph, terms: readonly Term[], data: TrainingData, labels: boolean): void {
  checkSampleShape(graph, data);
  if (!labels) return;
  for (const { classes, loss } of terms)
    if (classes !== null && data.targets === undefined && loss.target !== "samples") checkLabels(classes, data);
}

/** What every update depends on, as one hash: a checkpoint of another run is refused by it. */
function fingerprintOf(run: Omit<Run, "fingerprint" | "stepper" | "teacher">): string {
  const { training, options, plan, data } = run;
  const { clip, ema, labelSmoothing, losses, mixUp, seed, validation, teacher } = options;
  const hash = createHash("sha256");
  hash.update(hashGraph(training.graph));
  if (training.update !== null) hash.update(hashGraph(training.update));
  if (teacher !== undefined) hash.update(hashGraph(teacher.graph));
  const rules = validation && { ...validation, data: [validation.data.name, validation.data.length] };
  const part = options.segment && [options.segment.from, options.segment.to];
  const fed = training.stepInputs.length === 0 ? undefined : inputSamples(training.stepInputs, plan.steps);
  const settings = { clip, ema, labelSmoothing, losses, mixUp, seed, rules, schedule: run.schedule, plan, part, fed };
  hash.update(JSON.stringify([settings, data.name, data.length, options.checkpoint?.identity ?? ""]));
  return hash.digest("hex");
}

function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

function graphOptions(options: TrainOptions, optimiser: Optimiser, plan: Plan): TrainingGraphOptions {
  const { accumulate, batch } = plan;
  const { losses, clip, ema, masks, frozen, batchNorm, adapters, seed, learned, prepare, recompute, teacher } = options;
  const { penalties, stepInputs } = options;
  const changes = { learned, prepare, penalties, stepInputs };
  const optional = given({ losses, clip, ema, masks, frozen, batchNorm, adapters, seed, recompute, ...changes });
  if (teacher === undefined) return { batch, accumulate, optimiser, ...optional } as TrainingGraphOptions;
  const { graph, features = [], ...distillation } = teacher;
  const pairs = knownPairs(graph, features, batch);
  return {
    batch,
    accumulate,
    optimiser,
    ...optional,
    distillation: { ...distillation, features: pairs },
  } as TrainingGraphOptions;
}

async function teacherOf(
  graph: Graph,
  options: TrainOptions,
  training: TrainingGraph,
  batch: number,
): Promise<Teacher | null> {
  const { teacher, threads } = options;
  if (teacher === undefined) return null;
  const logits = training.names.teacher !== null;
  checkTeacher(graph, teacher.graph, logits ? training.classes : null);
  return openTeacher(teacher.graph, { batch, logits, features: teacher.features ?? [], threads });
}

/**
 * Trains the float32 weights of a graph with one input and returns it with its new weights and running statistics; without `losses` it is a classifier that
 * learns by cross-entropy with the labels. Each epoch goes through the data once in a new order; what does not fill a batch is left to another epoch. The same
 * graph, data, options and thread count give the same bytes, also when the run was stopped and resumed in between.
 * @throws EspalierError "input" when data and model do not fit, "runtime" when the loss stops being a number, "usage" when cancelled.
 */
export async function train(graph: Graph, data: TrainingData, options: TrainOptions = {}): Promise<TrainResult> {
  const terms = termsOf(graph, options.losses);
  const labels = options.teacher?.labels ?? true;
  checkData(graph, terms, data, labels);
  if (options.validation !== undefined) checkData(graph, terms, options.validation.data, labels);
  const plan = planOf(data, options);
  const optimiser = options.optimiser ?? DEFAULT_OPTIMISER;
  const schedule = options.schedule ?? DEFAULT_SCHEDULE;
  const { segment } = options;
  if (segment !== undefined) checkSegment(segment, plan.steps);
  const fresh = trainingGraph(graph, graphOptions(options, optimiser, plan));
  const training = segment?.memory === undefined ? fresh : withMemory(fresh, segment.memory);
  if (options.memoryLimit !== undefined) checkMemory(training, options.memoryLimit);
  const facts = { graph, training, data, options, plan, optimiser, schedule };
  const teacher = await teacherOf(graph, options, training, plan.batch);
  try {
    const stepper = await openStepper(training, options.threads);
    try {
      return await runTraining({ ...facts, fingerprint: fingerprintOf(facts), stepper, teacher });
    } finally {
      await stepper.close();
    }
  } finally {
    await teacher?.close();
  }
}
