import type { Graph } from "../../ir/index.ts";
import { float32 } from "../../tensor/index.ts";
import type { Penalty } from "../../train/index.ts";
import type { PruneGroup } from "../group-types.ts";
import { normalise } from "../normalise.ts";
import { chooseAt } from "./aim.ts";
import type { PruneRun, PruneState } from "./run.ts";
import { SPARSIFY_SHARE, sparsifyThenCut } from "./sparsify.ts";
import { addUnitSums, unitSizes, unitSums, unitWeights } from "./unit-norms.ts";

/**
 * Group lasso over whole coupled units: strength x sum over units of sqrt(elements) x ||unit||_2 (Yuan & Lin 2006; for networks Wen et al. 2016, Learning Structured
 * Sparsity). A unit's elements are all its trained weights: what makes it, what reads it, and its scales and shifts.
 */
export interface GroupLassoMethod {
  readonly kind: "group-lasso";
  /** Default 2e-4. */
  readonly strength?: number;
  /** Share of the run before the cut; default 0.6. */
  readonly share?: number;
}

/** Added to squared norms under the root, so that the gradient of a unit that is all zeros is 0 and not infinite. */
const SMALL = 1e-12;

/** The penalty over the units of the given groups. */
export function groupLassoPenalty(graph: Graph, groups: readonly PruneGroup[], strength: number): Penalty {
  return {
    name: "group-lasso",
    strength,
    add: (f, { weight }) => {
      const terms = groups.flatMap((group) => {
        const weights = unitWeights(graph, group);
        const squares = addUnitSums(f, weights, weight, (g, w) => g.mul(w, w));
        if (squares === null) return [];
        const roots = unitSizes(group, weights).map(Math.sqrt);
        const norms = f.node("Sqrt", [f.add(squares, f.number(SMALL))]);
        return [f.sum(f.mul(norms, f.constant(float32([group.size], roots))), [0], false)];
      });
      return terms.length === 0 ? f.number(0) : terms.reduce((sum, term) => f.add(sum, term));
    },
  };
}

/** ||unit||_2 over all its trained weights, by group id. */
export function unitNorms(graph: Graph, groups: readonly PruneGroup[]): Map<number, Float64Array> {
  return new Map(
    groups.map((group) => [
      group.id,
      unitSums(graph, group, unitWeights(graph, group), (w) => w * w).map((square) => Math.sqrt(square)),
    ]),
  );
}

/** Cuts the units with the least norm, relative to the mean of their group: the penalty shrinks groups of small weights as a whole, which says nothing of their units. */
export async function groupLasso(run: PruneRun, method: GroupLassoMethod): Promise<PruneState> {
  const { strength = 2e-4, share = SPARSIFY_SHARE } = method;
  const penalty = groupLassoPenalty(run.graph, run.candidates, strength);
  return sparsifyThenCut(run, share, [penalty], (trained) => {
    const norms = unitNorms(trained, run.candidates);
    const scores = new Map([...norms].map(([id, own]) => [id, normalise(own, "mean")]));
    return chooseAt(run, scores, new Set(), 1);
  });
}
