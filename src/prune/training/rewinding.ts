import { EspalierError } from "../../diagnostics/index.ts";
import { chooseAt, finalShare } from "./aim.ts";
import { advance, type PruneRun, type PruneState, startState } from "./run.ts";
import { criterionScores } from "./unit-scores.ts";

/**
 * Trains to the end, cuts a share, goes back to early weights and trains again, round by round (Frankle & Carbin 2019, The Lottery Ticket Hypothesis; Renda et al.
 * 2020, Comparing Rewinding and Fine-tuning).
 */
export interface RewindingMethod {
  readonly kind: "rewinding";
  /** Cuts; default 3. */
  readonly rounds?: number;
  /** "weights" (default): slices of the early weights, with their schedule. "rate": the trained weights stay, the learning rate alone goes back. */
  readonly rewind?: "weights" | "rate";
  /** Which share of a training the early weights are taken after; default 0.1. */
  readonly to?: number;
}

/**
 * Each of the `rounds` + 1 trainings runs a schedule of L updates; those after a cut start at update k = `to` L, so that L + rounds (L - k) is the length of the run.
 * After round r the share keep^(r / rounds) is left: each round takes the same share of what there was.
 */
export async function rewinding(run: PruneRun, method: RewindingMethod): Promise<PruneState> {
  const { rounds = 3, rewind = "weights", to = 0.1 } = method;
  if (!(Number.isInteger(rounds) && rounds > 0 && 0 <= to && to < 1))
    throw new EspalierError("usage", `Rewinding has ${rounds} rounds and goes back to ${to} of a training`, {
      hint: "Give a whole number of rounds, and a share from 0 to below 1.",
    });
  const length = Math.floor(run.plan.steps / (1 + rounds * (1 - to)));
  const early = Math.round(to * length);
  const share = finalShare(run);
  let before = 0;
  const trainFor = async (state: PruneState, from: number, until: number, phase: "train" | "sparsify" | "finetune") => {
    const next = await advance(run, state, { phase, from, to: until, steps: length, before });
    before += until - from;
    return next;
  };
  const start = early > 0 ? await trainFor(startState(run), 0, early, "train") : startState(run);
  let state = await trainFor(start, early, length, "sparsify");
  for (let round = 1; round <= rounds; round++) {
    const progress = share < 1 ? (1 - share ** (round / rounds)) / (1 - share) : 0;
    const cut = chooseAt(run, await criterionScores(run, state), state.cut, round === rounds ? 1 : progress);
    const from = rewind === "weights" ? start : state;
    state = await trainFor({ ...from, cut }, early, length, round === rounds ? "finetune" : "sparsify");
  }
  return state;
}
