import type { Graph } from "../../src/ir/index.ts";
import {
  type CostLimit,
  type Cut,
  chooseCut,
  chooseCutWithin,
  cutShapes,
  gatherEvidence,
  type PruneGroups,
  scoreGroups,
} from "../../src/prune/index.ts";
import { totalMacs } from "../../targets/index.ts";
import type { Aim, PrunePlan, PruneRequest } from "./request.ts";
import type { Samples } from "./starting-model.ts";

/** How the scores of a request are taken and units chosen by them. */
export function choiceOptions(request: PruneRequest) {
  const { scope = "global", granularity = "channels", block, align, minimum, reduction, normalisation } = request;
  return {
    choose: {
      scope,
      granularity,
      ...(block === undefined ? {} : { block }),
      ...(align === undefined ? {} : { alignment: align }),
      ...(minimum === undefined ? {} : { minimum }),
    },
    score: {
      otherwise: "l1" as const,
      ...(reduction === undefined ? {} : { reduction }),
      ...(normalisation === undefined ? {} : { normalisation }),
    },
  };
}

/** What the MACs must come down to; null for an aim in units. */
export function macsLimit(graph: Graph, groups: PruneGroups, aim: Aim): CostLimit | null {
  if (aim.kind === "units") return null;
  const limit = aim.kind === "macs" ? aim.count : Math.floor(aim.share * totalMacs(graph));
  const cost = (cut: Cut) => totalMacs(cut.size === 0 ? graph : cutShapes(graph, groups, cut));
  return { cost, limit, what: "MACs" };
}

/** The units that go: scored by the plan's criterion, and as many as its aim says. Throws EspalierError "budget" when the groups do not allow it. */
export async function chooseUnits(
  graph: Graph,
  groups: PruneGroups,
  plan: PrunePlan,
  request: PruneRequest,
  samples: Samples | null,
): Promise<Cut> {
  const { seed = 1 } = request;
  const { choose, score } = choiceOptions(request);
  const evidence = samples === null ? {} : await gatherEvidence(graph, groups, plan.criterion, samples.train, { seed });
  const scores = scoreGroups(graph, groups, plan.criterion, { ...evidence, ...score, seed });
  const within = macsLimit(graph, groups, plan.aim);
  if (within !== null) return chooseCutWithin(groups, scores, within, choose);
  return plan.aim.kind === "units" ? chooseCut(groups, scores, { ...choose, keep: plan.aim.share }) : new Set();
}
