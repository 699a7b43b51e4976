import { EspalierError } from "../../src/diagnostics/index.ts";
import {
  type Cut,
  chooseCutWithin,
  cutShapes,
  gatherEvidence,
  type PruneGroup,
  scoreGroups,
} from "../../src/prune/index.ts";
import { type Experiment, MINIMUM, macsIn, TOLERANCE } from "./experiment.ts";
import type { Choice } from "./plan.ts";

/** Scores by a choice's criterion, from the training images; groups that it does not see are scored by `l1`. */
export async function scoresFor({ graph, groups, train }: Experiment, { criterion, normalisation, draw }: Choice) {
  const evidence = await gatherEvidence(graph, groups, criterion, train, { threads: 1 });
  return scoreGroups(graph, groups, criterion, { ...evidence, normalisation, seed: draw, otherwise: "l1" });
}

/**
 * The cut to a share of the MACs: units go by lowest score until the MACs are below the target, then the best of them come back while it holds, since
 * one channel of the first groups is worth several hundredths of the target.
 * @throws EspalierError "budget" when the MACs are still more than 2 % of the target below it.
 */
export function reach(
  experiment: Experiment,
  scores: ReadonlyMap<number, ArrayLike<number>>,
  ratio: number,
  scope: "global" | "local",
): Cut {
  const { graph, groups, channels } = experiment;
  const target = experiment.macs / ratio;
  const cost = (cut: Cut) => macsIn(cutShapes(graph, groups, cut));
  const cut = new Set(
    chooseCutWithin(channels, scores, { cost, limit: target, what: "MACs" }, { scope, minimum: MINIMUM }),
  );
  const gone = channels
    .flatMap((group) => group.units.map((unit, i) => ({ id: unit.id, group, score: scores.get(group.id)![i]! })))
    .filter(({ id }) => cut.has(id))
    .sort((a, b) => b.score - a.score || a.id - b.id);
  // Channels of a group cost the same: where one is too much, all later ones are.
  const full = new Set<PruneGroup>();
  for (const { id, group } of gone) {
    if (full.has(group)) continue;
    cut.delete(id);
    if (cost(cut) <= target) continue;
    cut.add(id);
    full.add(group);
  }
  const reached = cost(cut);
  if (reached < (1 - TOLERANCE) * target)
    throw new EspalierError("budget", `Asked for ${Math.round(target)} MACs, the nearest cut has ${reached}`);
  return cut;
}
