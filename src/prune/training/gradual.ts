import { EspalierError } from "../../diagnostics/index.ts";
import { chooseAt } from "./aim.ts";
import { advance, type PruneRun, type PruneState, startState } from "./run.ts";
import { criterionScores } from "./unit-scores.ts";

/** Cuts a little in each of several rounds, less and less, and trains in between (Zhu & Gupta 2017, To prune, or not to prune). */
export interface GradualMethod {
  readonly kind: "gradual";
  /** Cuts; default 8. */
  readonly rounds?: number;
  /** Shares of the run between which is cut; default 0 and 0.6. */
  readonly from?: number;
  readonly to?: number;
  /** Share of what has to go that goes at once; default 0. */
  readonly initial?: number;
}

/**
 * Sparsity at a progress (0 to 1) of the schedule: s_t = s_f + (s_i - s_f) (1 - (t - t_0) / (n dt))^3 (Zhu & Gupta 2017, equation 1), from `initial` to
 * `final`; before and after it stays.
 */
export function cubicSparsity(progress: number, initial: number, final: number): number {
  const t = Math.max(0, Math.min(1, progress));
  return final + (initial - final) * (1 - t) ** 3;
}

export async function gradual(run: PruneRun, method: GradualMethod): Promise<PruneState> {
  const { rounds = 8, from = 0, to = 0.6, initial = 0 } = method;
  if (!(Number.isInteger(rounds) && rounds > 0 && 0 <= from && from <= to && to <= 1 && 0 <= initial && initial <= 1))
    throw new EspalierError(
      "usage",
      `A gradual schedule has ${rounds} rounds between ${from} and ${to} of the run, starting at ${initial}`,
      { hint: "Give a whole number of rounds, and shares from 0 to 1 in this order." },
    );
  const { steps } = run.plan;
  const at = (round: number) => Math.round((from + ((to - from) * round) / rounds) * steps);
  let state = startState(run);
  if (at(0) > 0) state = await advance(run, state, { phase: "train", from: 0, to: at(0) });
  for (let round = 0; round <= rounds; round++) {
    const progress = cubicSparsity(round / rounds, initial, 1);
    if (progress > 0) {
      const cut = chooseAt(run, await criterionScores(run, state), state.cut, progress);
      state = { ...state, cut };
    }
    const last = round === rounds;
    const part = { phase: last ? "finetune" : "sparsify", from: at(round), to: last ? steps : at(round + 1) } as const;
    state = await advance(run, state, part);
  }
  return state;
}
