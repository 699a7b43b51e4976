import { EspalierError } from "../../diagnostics/index.ts";
import type { Cut } from "../group-types.ts";
import { chooseAt, finalShare } from "./aim.ts";
import { accuracyOf, advance, type PruneRun, type PruneState, startState } from "./run.ts";
import { criterionScores, type UnitScores } from "./unit-scores.ts";

/**
 * Cuts the units with the least activation and trains; a round that costs too much accuracy is taken back, and the next one cuts half as much (Zhao et al. 2022,
 * Adaptive Activation-based Structured Pruning).
 */
export interface AdaptiveMethod {
  readonly kind: "adaptive";
  /** Accuracy on the validation samples that may be lost; default 0.01. */
  readonly drop?: number;
  /** Share of the units (of the cost) that the first round takes; default 0.1. */
  readonly step?: number;
  /** The step below which no further round is tried; default an eighth of `step`. */
  readonly smallest?: number;
  /** Into how many rounds the updates are divided at the most; default 12. What is left over trains the result. */
  readonly rounds?: number;
}

export async function adaptive(run: PruneRun, method: AdaptiveMethod): Promise<PruneState> {
  const { drop = 0.01, step = 0.1, smallest = step / 8, rounds = 12 } = method;
  check(run, drop, step, smallest, rounds);
  const { steps } = run.plan;
  const least = (await accuracyOf(run, run.graph))! - drop;
  const length = Math.max(1, Math.floor(steps / rounds));
  const all = 1 - finalShare(run);
  let [state, progress, size, before] = [startState(run), 0, step, 0];
  const reached = () => progress >= 1 - 1e-9;
  let scores = await criterionScores(run, state, "activation-norm");
  while (!reached() && size >= smallest && before + length <= steps) {
    const wanted = all > 0 ? Math.min(1, progress + size / all) : 1;
    const cut = chosenOrNull(run, scores, state, wanted);
    const next = cut === null ? null : await trained(run, { ...state, cut }, before, before + length, "sparsify");
    if (next !== null) before += length;
    if (next !== null && run.history.at(-1)!.accuracy! >= least) {
      state = next;
      progress = wanted;
      if (!reached()) scores = await criterionScores(run, state, "activation-norm");
    } else {
      if (next !== null) takeBack(run);
      size /= 2;
    }
  }
  if (!reached() && (run.options.keep !== undefined || run.options.within !== undefined))
    throw unreached(run, state, least, before, size < smallest);
  if (before === steps) return state;
  const last = await trained(run, state, before, steps, "finetune");
  if (run.history.at(-1)!.accuracy! >= least) return last;
  takeBack(run);
  return state;
}

function trained(run: PruneRun, state: PruneState, from: number, to: number, phase: "sparsify" | "finetune") {
  return advance(run, state, { phase, from, to });
}

/** The record of the last round says that it did not stay. */
function takeBack({ history }: PruneRun): void {
  history.push({ ...history.pop()!, accepted: false });
}

/** Null where the groups cannot lose so much. */
function chosenOrNull(run: PruneRun, scores: UnitScores, { cut: gone }: PruneState, progress: number): Cut | null {
  try {
    const cut = chooseAt(run, scores, gone, progress);
    return cut.size > gone.size || progress >= 1 ? cut : null;
  } catch (error) {
    if (error instanceof EspalierError && error.code === "budget") return null;
    throw error;
  }
}

function check({ options }: PruneRun, drop: number, step: number, smallest: number, rounds: number): void {
  if (options.validation === undefined)
    throw new EspalierError("usage", "Adaptive pruning judges each round by validation samples, none are given");
  if (!(drop >= 0 && step > 0 && step <= 1 && smallest > 0 && Number.isInteger(rounds) && rounds > 0))
    throw new EspalierError(
      "usage",
      `Adaptive pruning has ${rounds} rounds of step ${step} down to ${smallest}, and may lose ${drop}`,
      { hint: "Give a whole number of rounds, steps above 0, and a loss from 0 on." },
    );
}

function unreached(run: PruneRun, state: PruneState, least: number, before: number, exhausted: boolean): EspalierError {
  const { keep, within } = run.options;
  const size = run.candidates.reduce((sum, group) => sum + group.size, 0);
  const asked =
    within === undefined ? `${(100 * keep!).toFixed(1)} % of ${size} units` : `at most ${within.limit} ${within.what}`;
  const got = within === undefined ? `${size - state.cut.size} units` : `${within.cost(state.cut)} ${within.what}`;
  const why = exhausted ? "smaller steps cost too much too" : `the ${before} updates were used up`;
  return new EspalierError(
    "budget",
    `Asked to keep ${asked}; with an accuracy of at least ${least.toFixed(4)}, ${got} stayed when ${why}`,
    { hint: "Allow a larger drop, train longer, keep more, or leave the target out to get what the accuracy allows." },
  );
}
