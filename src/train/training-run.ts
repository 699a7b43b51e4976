import { EspalierError } from "../diagnostics/index.ts";
import type { Graph, ValueId } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { batchSource, type TrainingBatch } from "./batch-source.ts";
import type { Checkpoint, EpochSums } from "./checkpoint.ts";
import { hits } from "./evaluate.ts";
import { averagingAt } from "./moving-average.ts";
import { correctionsAt, type Optimiser } from "./optimisers.ts";
import type { Plan } from "./plan.ts";
import { type Best, isBetter } from "./plateau.ts";
import { rateAt, type Schedule } from "./schedules.ts";
import { stepFeeds } from "./step-inputs.ts";
import type { StepFeeds, Stepper } from "./stepper.ts";
import type { Teacher } from "./teacher.ts";
import type { EpochRecord, TrainOptions, TrainResult, ValidationOptions } from "./train-options.ts";
import type { TrainingData } from "./training-data.ts";
import type { TrainingGraph } from "./training-graph.ts";
import { type Validation, validate } from "./validation.ts";

/** Everything that a run is made of. */
export interface Run {
  readonly graph: Graph;
  readonly training: TrainingGraph;
  readonly data: TrainingData;
  readonly options: TrainOptions;
  readonly plan: Plan;
  readonly optimiser: Optimiser;
  readonly schedule: Schedule;
  readonly fingerprint: string;
  readonly stepper: Stepper;
  readonly teacher: Teacher | null;
}

/** What changes from update to update besides the state tensors; with them it is a checkpoint. */
interface Position {
  step: number;
  sums: EpochSums;
  history: EpochRecord[];
  best: Best | null;
  waited: number;
}

const NOTHING: EpochSums = { steps: 0, loss: 0, hits: 0 };

function start({ options, fingerprint, stepper }: Run): Position {
  const from = options.checkpoint?.restore;
  if (from === undefined)
    return { step: options.segment?.from ?? 0, sums: NOTHING, history: [], best: null, waited: 0 };
  if (from.fingerprint !== fingerprint)
    throw new EspalierError("input", "The checkpoint is of another run: model, data or options differ", {
      hint: "Resume with what the run was started with, or start it anew.",
    });
  stepper.restore(from.state);
  const { step, sums, history, best, waited } = from;
  return { step, sums, history: [...history], best, waited };
}

function checkpointOf({ fingerprint, stepper }: Run, position: Position): Checkpoint {
  return { fingerprint, ...position, history: [...position.history], state: stepper.state() };
}

/** Runs the updates of a plan from the beginning or from a checkpoint. */
export async function runTraining(run: Run): Promise<TrainResult> {
  const { options, plan, stepper } = run;
  const { checkpoint, signal, validation } = options;
  const position = start(run);
  const batchOf = sourceOf(run);
  const end = options.segment?.to ?? plan.steps;
  let stopped = isOver(position, validation);
  while (position.step < end && !stopped) {
    if (signal?.aborted === true) {
      await checkpoint?.save(checkpointOf(run, position));
      throw new EspalierError("usage", `Training was cancelled at step ${position.step}`);
    }
    await update(run, position, batchOf);
    const { step } = position;
    const ends = step % plan.perEpoch === 0 || step === end;
    if (ends) {
      await endEpoch(run, position);
      stopped = isOver(position, validation);
    }
    if (checkpoint !== undefined && (ends || step % (checkpoint.every ?? Number.POSITIVE_INFINITY) === 0))
      await checkpoint.save(checkpointOf(run, position));
  }
  const keep = position.best !== null && (validation?.keepBest ?? true);
  const constants = keep ? position.best!.constants : stepper.weights();
  return {
    graph: withConstants(run.graph, constants),
    history: position.history,
    ...(keep ? { bestEpoch: position.best!.epoch } : {}),
    stoppedEarly: position.step < end,
    ...(options.segment === undefined ? {} : { memory: stepper.memory() }),
  };
}

function isOver({ waited }: Position, validation: ValidationOptions | undefined): boolean {
  return validation?.patience !== undefined && waited >= validation.patience;
}

function sourceOf({ data, options, plan, training }: Run): (number: number) => TrainingBatch {
  const { augment, mixUp, seed = 0, labelSmoothing = 0 } = options;
  return batchSource({
    data,
    batch: plan.batch,
    perEpoch: plan.perEpoch * plan.accumulate,
    seed,
    labelSmoothing,
    targets: training.targets,
    ...(augment === undefined ? {} : { augment }),
    ...(mixUp === undefined ? {} : { mixUp }),
  });
}

/** One update of the weights, from as many batches as it takes. */
async function update(run: Run, position: Position, batchOf: (number: number) => TrainingBatch): Promise<void> {
  const { plan, optimiser, options, training, stepper } = run;
  const { step } = position;
  const rate = rateAt(run.schedule, step, plan.steps);
  const scalars = {
    rate,
    corrections: correctionsAt(optimiser, step + 1),
    ...(options.ema === undefined ? {} : { averaging: averagingAt(options.ema, step + 1) }),
  };
  const own = stepFeeds(training.stepInputs, step, plan.steps);
  let [loss, correct] = [0, 0];
  for (let i = 0; i < plan.accumulate; i++) {
    const { samples, labels, inputs } = batchOf(step * plan.accumulate + i);
    const feeds = await feedsOf(run, { samples, labels, inputs: { ...inputs, ...own } }, scalars);
    const result = await stepper.step(feeds, { first: i === 0, last: i === plan.accumulate - 1 });
    if (!Number.isFinite(result.loss)) throw diverged(step, result.loss, rate);
    loss += result.loss / plan.accumulate;
    if (training.classes !== null) correct += hits(result.logits, labels, training.classes);
  }
  const { sums } = position;
  position.sums = { steps: sums.steps + 1, loss: sums.loss + loss, hits: sums.hits + correct };
  position.step++;
  const epoch = Math.floor(step / plan.perEpoch);
  options.onProgress?.({ step: step + 1, steps: plan.steps, epoch, loss, rate });
}

async function feedsOf(
  { teacher, training }: Run,
  { samples, inputs }: TrainingBatch,
  scalars: Pick<StepFeeds, "rate" | "corrections" | "averaging">,
): Promise<StepFeeds> {
  if (teacher === null) return { samples, inputs, ...scalars };
  const { logits, features } = await teacher.lesson(samples);
  const named = Object.fromEntries(training.names.features.map((name, i) => [name, features[i]!]));
  return { samples, inputs: { ...inputs, ...named }, ...(logits === null ? {} : { teacher: logits }), ...scalars };
}

/** Records the epoch, validates, and keeps what is best. */
async function endEpoch(run: Run, position: Position): Promise<void> {
  const { plan, training, options, stepper } = run;
  const { sums } = position;
  const epoch = Math.floor((position.step - 1) / plan.perEpoch);
  const constants = options.validation === undefined ? null : stepper.weights();
  const validation = constants === null ? null : await validated(run, constants, options.validation!);
  const record: EpochRecord = {
    epoch,
    steps: sums.steps,
    loss: sums.loss / sums.steps,
    accuracy: training.classes === null ? null : sums.hits / (sums.steps * plan.batch * plan.accumulate),
    ...(validation === null ? {} : { validation }),
  };
  position.history.push(record);
  position.sums = NOTHING;
  if (validation !== null) {
    const { metric = training.classes === null ? "loss" : "accuracy", least = 0 } = options.validation!;
    const better = isBetter(validation, position.best?.validation ?? null, metric, least);
    if (better) position.best = { epoch, validation, constants: constants! };
    position.waited = better ? 0 : position.waited + 1;
  }
  options.onEpoch?.(record);
}

async function validated(
  { graph, plan, options, teacher }: Run,
  constants: ReadonlyMap<ValueId, Tensor<"float32">>,
  { data }: ValidationOptions,
): Promise<Validation> {
  const { losses, threads } = options;
  const alone = teacher !== null && options.teacher?.labels === false;
  return validate(withConstants(graph, constants), {
    data,
    losses,
    batch: plan.batch,
    teacher: alone ? { open: teacher, temperature: options.teacher?.temperature ?? 2 } : null,
    threads,
  });
}

function withConstants(graph: Graph, constants: ReadonlyMap<ValueId, Tensor<"float32">>): Graph {
  const builder = editGraph(graph);
  for (const [id, value] of constants) builder.setConstant(id, value);
  return builder.build();
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
