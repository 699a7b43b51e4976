import { EspalierError } from "../../diagnostics/index.ts";
import type { Graph } from "../../ir/index.ts";
import {
  evaluate,
  type OptimiserMemory,
  type Plan,
  planOf,
  type TrainingData,
  type TrainOptions,
  train,
} from "../../train/index.ts";
import type { Cut, PruneGroup, PruneGroups } from "../group-types.ts";
import { findGroups } from "../groups.ts";
import type { PrunePhase, PruneRound, PruneTrainingOptions } from "./options.ts";
import { restoredGraph, restoredMemory, slicedGraph, slicedMemory, slicingOf } from "./slicing.ts";

/** A model while it is pruned: its weights at full size, with what is gone so far. Plain data: to go back is to keep an earlier one. */
export interface PruneState {
  /** The given graph with its present weights; those of units that are gone are what they were when they went. */
  readonly whole: Graph;
  readonly cut: Cut;
  /** Of the optimiser, at full size. */
  readonly memory: OptimiserMemory;
}

/** What a method works with. */
export interface PruneRun {
  readonly graph: Graph;
  /** Of `graph`. */
  readonly groups: PruneGroups;
  /** Groups that may lose units. */
  readonly candidates: readonly PruneGroup[];
  readonly data: TrainingData;
  readonly options: PruneTrainingOptions;
  readonly plan: Plan;
  /** Filled as the run goes. */
  readonly history: PruneRound[];
  /** Parts that were begun. */
  readonly parts: { count: number };
}

export function openRun(graph: Graph, data: TrainingData, options: PruneTrainingOptions): PruneRun {
  const { epochs, steps, train: settings = {}, kind = "channels" } = options;
  const length = { ...(epochs === undefined ? {} : { epochs }), ...(steps === undefined ? {} : { steps }) };
  const plan = planOf(data, { ...settings, ...length });
  const groups = findGroups(graph);
  const candidates = groups.groups.filter((group) => group.kind === kind);
  if (candidates.length === 0)
    throw new EspalierError("input", `There are no groups of kind ${kind} to prune`, {
      where: `graph "${graph.name}"`,
      hint: "`espalier groups` says what keeps each axis whole.",
    });
  return { graph, groups, candidates, data, options, plan, history: [], parts: { count: 0 } };
}

/**
 * The run with fewer candidates, which have to lose all that was asked of the others too.
 * @throws EspalierError "budget" where they are too few for that.
 */
export function withCandidates(run: PruneRun, candidates: readonly PruneGroup[]): PruneRun {
  const { keep } = run.options;
  if (keep === undefined) return { ...run, candidates };
  const [all, own] = [run.candidates, candidates].map((groups) => groups.reduce((sum, { size }) => sum + size, 0));
  const gone = (1 - keep) * all!;
  if (gone >= own!)
    throw new EspalierError(
      "budget",
      `Asked to cut ${Math.floor(gone + 1e-9)} of ${all} units, ${run.options.method.kind} can act on ${own} of them`,
      { hint: "Keep a larger share, or choose a method that acts on all groups (gradual, group-lasso)." },
    );
  return { ...run, candidates, options: { ...run.options, keep: 1 - gone / own! } };
}

export function startState(run: PruneRun): PruneState {
  return { whole: run.graph, cut: new Set(), memory: new Map() };
}

/** The cut graph with its present weights. */
export function presentGraph(run: PruneRun, state: PruneState): Graph {
  return state.cut.size === 0 ? state.whole : slicedGraph(slicingOf(run.groups, state.cut), state.whole);
}

/** A part of a run that is trained. */
export interface Part {
  readonly phase: PrunePhase;
  readonly from: number;
  readonly to: number;
  /** Length of the run that the part is of; default the plan's. */
  readonly steps?: number;
  /** Updates of the whole run that were made before the part; default `from`. */
  readonly before?: number;
  readonly changes?: Pick<TrainOptions, "penalties" | "stepInputs" | "learned" | "prepare">;
}

/** Trains what is left of the model for a part of the run, and records it. Throws what `train` throws, also when cancelled. */
export async function advance(run: PruneRun, state: PruneState, part: Part): Promise<PruneState> {
  const slicing = slicingOf(run.groups, state.cut);
  const small = slicedGraph(slicing, state.whole);
  const { graph, memory, loss } = await trainPart(run, small, slicedMemory(slicing, state.memory), part);
  const next = {
    whole: restoredGraph(slicing, state.whole, graph),
    cut: state.cut,
    memory: restoredMemory(slicing, state.whole, memory),
  };
  await record(run, part, next.cut, graph, loss);
  return next;
}

/** As `advance` for a graph of the caller's: no cut, nothing is recorded. */
export async function trainPart(
  run: PruneRun,
  graph: Graph,
  memory: OptimiserMemory,
  part: Part,
): Promise<{ readonly graph: Graph; readonly memory: OptimiserMemory; readonly loss: number | null }> {
  const { options, plan, data } = run;
  const { phase, from, to, steps = plan.steps, before = from, changes = {} } = part;
  const round = run.history.length;
  const checkpoint = await checkpointOf(run);
  if (options.signal?.aborted === true) throw new EspalierError("usage", `Training was cancelled at step ${before}`);
  if (from === to) return { graph, memory, loss: null };
  const { signal, onProgress } = options;
  const result = await train(graph, data, {
    ...options.train,
    ...changes,
    steps,
    segment: { from, to, memory },
    seed: options.seed ?? 0,
    ...checkpoint,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined
      ? {}
      : {
          onProgress: ({ step, loss, rate }) =>
            onProgress({ phase, round, step: before + step - from, steps: plan.steps, loss, rate }),
        }),
  });
  const made = result.history.reduce((sum, epoch) => sum + epoch.steps, 0);
  const total = result.history.reduce((sum, epoch) => sum + epoch.loss * epoch.steps, 0);
  return { graph: result.graph, memory: result.memory!, loss: made === 0 ? null : total / made };
}

/** The trainer's checkpoints of the next part. */
async function checkpointOf({ options, parts }: PruneRun): Promise<Pick<TrainOptions, "checkpoint">> {
  const { checkpoint, method, keep, within, criterion = null, scope, kind } = options;
  const part = parts.count++;
  if (checkpoint === undefined) return {};
  const restore = await checkpoint.restore?.(part);
  const aim = within === undefined ? keep : [within.limit, within.what];
  const chosen = typeof criterion === "string" ? criterion : criterion?.name;
  return {
    checkpoint: {
      save: (own) => checkpoint.save(part, own),
      identity: JSON.stringify([part, method, aim, chosen, scope, kind, checkpoint.identity]),
      ...(checkpoint.every === undefined ? {} : { every: checkpoint.every }),
      ...(restore === undefined ? {} : { restore }),
    },
  };
}

/** Accuracy on the validation samples; null without any. */
export async function accuracyOf({ options }: PruneRun, graph: Graph): Promise<number | null> {
  const { validation, train: settings } = options;
  if (validation === undefined) return null;
  const threads = settings?.threads === undefined ? {} : { threads: settings.threads };
  return (await evaluate(graph, validation, threads)).accuracy;
}

/** Adds a part to the history, judged by the validation samples. */
export async function record(
  run: PruneRun,
  { phase, from, to }: Pick<Part, "phase" | "from" | "to">,
  cut: Cut,
  graph: Graph,
  loss: number | null,
): Promise<void> {
  const size = run.candidates.reduce((sum, group) => sum + group.size, 0);
  const accuracy = await accuracyOf(run, graph);
  const round = run.history.length;
  run.history.push({ phase, round, steps: to - from, kept: size - cut.size, size, loss, accuracy, accepted: true });
}
