import { EspalierError, invariant, suggestion } from "../../diagnostics/index.ts";
import type { Graph } from "../../ir/index.ts";
import type { TrainingData } from "../../train/index.ts";
import { findGroups } from "../groups.ts";
import { cutGraph } from "../rewrite.ts";
import { adaptive } from "./adaptive.ts";
import { checkAim } from "./aim.ts";
import { gradual } from "./gradual.ts";
import { groupLasso } from "./group-lasso.ts";
import { growingRegularisation } from "./growing-regularisation.ts";
import { networkSlimming } from "./network-slimming.ts";
import { oneShot } from "./one-shot.ts";
import type { PruneTrainingOptions, PruneTrainingResult, PruningMethod } from "./options.ts";
import { rewinding } from "./rewinding.ts";
import { openRun, type PruneRun, type PruneState } from "./run.ts";
import { softMasks } from "./soft-masks.ts";
import { structureParameters } from "./structure-parameters.ts";

type Kind = PruningMethod["kind"];

const METHODS: {
  readonly [K in Kind]: (run: PruneRun, method: Extract<PruningMethod, { kind: K }>) => Promise<PruneState>;
} = {
  "one-shot": oneShot,
  gradual,
  "group-lasso": groupLasso,
  "network-slimming": networkSlimming,
  "growing-regularisation": growingRegularisation,
  "soft-masks": softMasks,
  "structure-parameters": structureParameters,
  rewinding,
  adaptive,
};

/** The names of the methods. */
export const PRUNING_METHODS = Object.keys(METHODS) as readonly Kind[];

function methodOf<K extends Kind>(method: Extract<PruningMethod, { kind: K }>): (run: PruneRun) => Promise<PruneState> {
  if (!Object.hasOwn(METHODS, method.kind))
    throw new EspalierError("usage", `There is no pruning method "${method.kind}"`, {
      hint: suggestion(method.kind, PRUNING_METHODS),
    });
  const start = METHODS[method.kind as K] as (run: PruneRun, own: typeof method) => Promise<PruneState>;
  return (run) => start(run, method);
}

/**
 * Prunes a graph while it is trained by `train`, and cuts the units for good. All methods make the same number of updates, the training after the last cut included. The
 * same graph, data, options and thread count give the same bytes.
 * @throws EspalierError "budget" when the groups (or, for "adaptive", the accuracy) do not allow what was asked, "usage" for options that contradict each
 * other and when cancelled, else as `train`.
 */
export async function pruneWhileTraining(
  graph: Graph,
  data: TrainingData,
  options: PruneTrainingOptions,
): Promise<PruneTrainingResult> {
  checkAim(options);
  const start = methodOf(options.method);
  const run = openRun(graph, data, options);
  const { whole: trained, cut } = await start(run);
  const groups = findGroups(trained);
  invariant(
    groups.units.length === run.groups.units.length,
    `training changed the units of "${graph.name}" from ${run.groups.units.length} to ${groups.units.length}`,
  );
  return { graph: cutGraph(trained, groups, cut), cut, trained, groups, history: run.history };
}
