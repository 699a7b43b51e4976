import { EspalierError } from "../../diagnostics/index.ts";
import type { Graph, ValueId } from "../../ir/index.ts";
import type { Penalty } from "../../train/index.ts";
import type { PruneGroup } from "../group-types.ts";
import { chooseAt } from "./aim.ts";
import { type PruneRun, type PruneState, withCandidates } from "./run.ts";
import { SPARSIFY_SHARE, sparsifyThenCut } from "./sparsify.ts";
import { addUnitSums, unitSums, unitWeights } from "./unit-norms.ts";
import { scoresFrom } from "./unit-scores.ts";

/** Strength x sum of |gamma| over the scales of batch normalisations, then one threshold on |gamma| for all (Liu et al. 2017, Network Slimming). */
export interface SlimmingMethod {
  readonly kind: "network-slimming";
  /** Default 1e-3. */
  readonly strength?: number;
  /** Share of the run before the cut; default 0.6. */
  readonly share?: number;
}

/** Whether a constant is the scale of a batch normalisation. */
function scalesOf(graph: Graph): (value: ValueId) => boolean {
  const scales = new Set(
    graph.nodes.flatMap((node) => (node.op === "BatchNormalization" ? [node.inputs[1] as ValueId] : [])),
  );
  return (value) => scales.has(value);
}

/** The penalty over the scales of the given groups' units. */
export function slimmingPenalty(graph: Graph, groups: readonly PruneGroup[], strength: number): Penalty {
  const isScale = scalesOf(graph);
  return {
    name: "network-slimming",
    strength,
    add: (f, { weight }) => {
      const terms = groups.flatMap((group) => {
        const sums = addUnitSums(f, unitWeights(graph, group, isScale), weight, (g, w) => g.node("Abs", [w]));
        return sums === null ? [] : [f.sum(sums, [0], false)];
      });
      return terms.length === 0 ? f.number(0) : terms.reduce((sum, term) => f.add(sum, term));
    },
  };
}

/**
 * Only groups with a batch normalisation lose units, as many as were asked of all groups; units with several normalisations (residual additions) by their mean |gamma|.
 * @throws EspalierError "unsupported" where no group has a batch normalisation.
 */
export async function networkSlimming(run: PruneRun, method: SlimmingMethod): Promise<PruneState> {
  const { strength = 1e-3, share = SPARSIFY_SHARE } = method;
  const isScale = scalesOf(run.graph);
  const candidates = run.candidates.filter((group) => unitWeights(run.graph, group, isScale).length > 0);
  if (candidates.length === 0)
    throw new EspalierError("unsupported", "Network slimming shrinks scales of batch normalisations, there are none", {
      where: `graph "${run.graph.name}"`,
      hint: "Choose another method, such as group-lasso.",
    });
  const seen = withCandidates(run, candidates);
  return sparsifyThenCut(seen, share, [slimmingPenalty(run.graph, candidates, strength)], (trained) => {
    const means = new Map(
      candidates.map((group) => {
        const weights = unitWeights(trained, group, isScale);
        return [group.id, unitSums(trained, group, weights, Math.abs).map((sum) => sum / weights.length)];
      }),
    );
    const scores = scoresFrom(candidates, new Set(), (group, i) => means.get(group.id)![i]);
    return chooseAt(seen, scores, new Set(), 1);
  });
}
