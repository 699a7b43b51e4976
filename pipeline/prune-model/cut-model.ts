import { EspalierError } from "../../src/diagnostics/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import {
  type Cut,
  cutGraph,
  findGroups,
  type PruneGroups,
  pruneWhileTraining,
  type RecoveredLayer,
  recover,
} from "../../src/prune/index.ts";
import { type TrainOptions, train } from "../../src/train/index.ts";
import type { Progress } from "../progress.ts";
import { choiceOptions, chooseUnits, macsLimit } from "./choose.ts";
import type { PrunePlan, PruneRequest } from "./request.ts";
import type { Samples, StartingModel } from "./starting-model.ts";

/** A cut with what proves it. */
export interface CutModel {
  readonly groups: PruneGroups;
  readonly cut: Cut;
  /** The graph whose units were cut: the original, or with the weights that training gave it. */
  readonly whole: Graph;
  /** What the cut left, recovered and fine-tuned. */
  readonly graph: Graph;
  /** What recovery made of each layer that reads cut units. */
  readonly layers: readonly RecoveredLayer[];
}

/** Samples a step, and a peak rate for weights that are trained already. */
const BATCH = 64;
const RATE = 0.01;

function trainingOptions({ batch = BATCH, rate = RATE }: PruneRequest, samples: Samples): TrainOptions {
  return { batch: Math.min(batch, samples.train.length), schedule: { kind: "cosine", rate, warmUp: 0.05 } };
}

/** Cuts a model as the plan says: at once, then recovered and fine-tuned; or while it is trained. */
export async function cutModel(
  { graph, samples }: StartingModel,
  plan: PrunePlan,
  request: PruneRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<CutModel> {
  if (plan.method === "one-shot" || samples === null) return atOnce(graph, samples, plan, request, progress, signal);
  const { choose, score } = choiceOptions(request);
  const { granularity, ...limits } = choose;
  const within = macsLimit(graph, findGroups(graph), plan.aim);
  progress.stage("prune", `${plan.method}, ${plan.epochs} epochs of ${samples.train.length} samples`);
  const result = await pruneWhileTraining(graph, samples.train, {
    ...limits,
    kind: granularity === "rows" ? "rows" : "channels",
    method: { kind: plan.method },
    ...(within === null ? {} : { within }),
    ...(plan.aim.kind === "units" ? { keep: plan.aim.share } : {}),
    ...(request.criterion === undefined ? {} : { criterion: plan.criterion }),
    score,
    epochs: plan.epochs,
    seed: request.seed ?? 1,
    validation: samples.heldOut,
    train: trainingOptions(request, samples),
    signal,
    onProgress: ({ step, steps, loss, phase }) => progress.step(step, steps, `${phase}, loss ${loss.toFixed(3)}`),
  });
  return { groups: result.groups, cut: result.cut, whole: result.trained, graph: result.graph, layers: [] };
}

async function atOnce(
  graph: Graph,
  samples: Samples | null,
  plan: PrunePlan,
  request: PruneRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<CutModel> {
  const groups = findGroups(graph, { allowNormStatistics: request.normStatistics === true });
  if (groups.groups.length === 0)
    throw new EspalierError("unsupported", "Nothing of this model can be cut", {
      where: `graph "${graph.name}"`,
      hint: "`espalier groups MODEL` says for each axis what keeps it whole.",
    });
  progress.stage("prune", `${groups.groups.length} groups, by ${plan.criterion}`);
  const cut = await chooseUnits(graph, groups, plan, request, samples);
  let small = cut.size === 0 ? graph : cutGraph(graph, groups, cut);
  let layers: readonly RecoveredLayer[] = [];
  if (samples !== null && cut.size > 0 && plan.recovery !== "none") {
    progress.stage("recover", plan.recovery);
    const seed = request.seed ?? 1;
    ({ graph: small, layers } = await recover(graph, groups, cut, samples.train, { method: plan.recovery, seed }));
  }
  if (samples !== null && plan.epochs > 0) {
    progress.stage("finetune", `${plan.epochs} epochs of ${samples.train.length} samples`);
    const tuned = await train(small, samples.train, {
      ...trainingOptions(request, samples),
      epochs: plan.epochs,
      seed: request.seed ?? 1,
      validation: { data: samples.heldOut },
      signal,
      onProgress: ({ step, steps, loss }) => progress.step(step, steps, `loss ${loss.toFixed(3)}`),
    });
    small = tuned.graph;
  }
  return { groups, cut, whole: graph, graph: small, layers };
}
