import { chooseAt } from "./aim.ts";
import { advance, type PruneRun, type PruneState, startState } from "./run.ts";
import { criterionScores } from "./unit-scores.ts";

/** Scores once, cuts once, trains what is left (Li et al. 2017, Pruning Filters for Efficient ConvNets). */
export interface OneShotMethod {
  readonly kind: "one-shot";
  /** Share of the updates that come before the cut; default 0. */
  readonly at?: number;
}

export async function oneShot(run: PruneRun, { at = 0 }: OneShotMethod): Promise<PruneState> {
  const { steps } = run.plan;
  const when = Math.round(at * steps);
  let state = startState(run);
  if (when > 0) state = await advance(run, state, { phase: "train", from: 0, to: when });
  const cut = chooseAt(run, await criterionScores(run, state), state.cut, 1);
  return advance(run, { ...state, cut }, { phase: "finetune", from: when, to: steps });
}
