import { EspalierError } from "../../diagnostics/index.ts";
import type { Graph } from "../../ir/index.ts";
import { float32 } from "../../tensor/index.ts";
import type { Penalty } from "../../train/index.ts";
import type { Cut, PruneGroup } from "../group-types.ts";
import { chooseAt } from "./aim.ts";
import { type PruneRun, type PruneState, startState } from "./run.ts";
import { cutStep, SPARSIFY_SHARE, sparsifyThenCut } from "./sparsify.ts";
import { addUnitSums, unitWeights } from "./unit-norms.ts";
import { criterionScores } from "./unit-scores.ts";

/**
 * Chooses the units that go at the start, and lets an L2 penalty on them alone grow until they are nothing, then cuts them (Wang et al. 2021, Neural Pruning via
 * Growing Regularization, GReg-1).
 */
export interface GrowingMethod {
  readonly kind: "growing-regularisation";
  /** By how much the factor grows at a time; default: so that the ceiling is reached after three quarters of the time before the cut (the paper: 1e-4). */
  readonly growth?: number;
  /** Updates between two times; default 5, as in the paper. */
  readonly every?: number;
  /** The largest factor; default 1, as in the paper. */
  readonly ceiling?: number;
  /** Share of the run before the cut; default 0.6. */
  readonly share?: number;
}

/** The factor at an update: it grows every `every` updates up to the ceiling. */
export function growingFactor(step: number, growth: number, every: number, ceiling: number): number {
  return Math.min(ceiling, growth * Math.floor(step / every));
}

/** 1/2 x the sum of the squares of the trained weights of the units of a cut: its gradient is the weight, as of weight decay. */
export function squaresPenalty(
  graph: Graph,
  groups: readonly PruneGroup[],
  cut: Cut,
  strength: Penalty["strength"],
): Penalty {
  return {
    name: "growing-regularisation",
    strength,
    add: (f, { weight }) => {
      const terms = groups.flatMap((group) => {
        const chosen = group.units.map(({ id }) => (cut.has(id) ? 0.5 : 0));
        if (!chosen.includes(0.5)) return [];
        const squares = addUnitSums(f, unitWeights(graph, group), weight, (g, w) => g.mul(w, w));
        return squares === null ? [] : [f.sum(f.mul(squares, f.constant(float32([group.size], chosen))), [0], false)];
      });
      return terms.length === 0 ? f.number(0) : terms.reduce((sum, term) => f.add(sum, term));
    },
  };
}

export async function growingRegularisation(run: PruneRun, method: GrowingMethod): Promise<PruneState> {
  const { every = 5, ceiling = 1, share = SPARSIFY_SHARE } = method;
  const at = cutStep(run, share);
  const growth = method.growth ?? ceiling / Math.max(1, Math.floor((0.75 * at) / every));
  if (!(Number.isInteger(every) && every > 0 && growth > 0 && ceiling > 0))
    throw new EspalierError("usage", `A penalty cannot grow by ${growth} every ${every} updates up to ${ceiling}`, {
      hint: "Give numbers above 0, and whole updates.",
    });
  const start = startState(run);
  const cut = chooseAt(run, await criterionScores(run, start), start.cut, 1);
  const factor = (step: number) => growingFactor(step, growth, every, ceiling);
  return sparsifyThenCut(run, share, [squaresPenalty(run.graph, run.candidates, cut, factor)], () => cut);
}
