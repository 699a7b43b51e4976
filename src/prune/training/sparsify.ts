import { EspalierError } from "../../diagnostics/index.ts";
import type { Graph } from "../../ir/index.ts";
import type { Penalty } from "../../train/index.ts";
import type { Cut } from "../group-types.ts";
import { advance, type PruneRun, type PruneState, startState } from "./run.ts";

/** Share of a run in which penalties work when the method says nothing else; the rest trains what is left. */
export const SPARSIFY_SHARE = 0.6;

/** The update at which the penalties end and the cut is made. */
export function cutStep(run: PruneRun, share: number): number {
  if (!(share > 0 && share <= 1))
    throw new EspalierError("usage", `A share of ${share} of the run is not above 0 and at most 1`);
  return Math.round(share * run.plan.steps);
}

/** Trains under penalties for a share of the run, cuts what `choose` says of the weights then, and trains what is left. */
export async function sparsifyThenCut(
  run: PruneRun,
  share: number,
  penalties: readonly Penalty[],
  choose: (trained: Graph) => Cut,
): Promise<PruneState> {
  const at = cutStep(run, share);
  const part = { phase: "sparsify", from: 0, to: at, changes: { penalties } } as const;
  const state = await advance(run, startState(run), part);
  const cut = choose(state.whole);
  return advance(run, { ...state, cut }, { phase: "finetune", from: at, to: run.plan.steps });
}
