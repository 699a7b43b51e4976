import { EspalierError } from "../../diagnostics/index.ts";
import { chooseCut } from "../choose-cut.ts";
import { chooseCutWithin } from "../choose-within.ts";
import type { Cut } from "../group-types.ts";
import type { PruneTrainingOptions } from "./options.ts";
import type { PruneRun } from "./run.ts";
import type { UnitScores } from "./unit-scores.ts";

/** Refuses aims that contradict each other or are none. */
export function checkAim({ keep, within, method }: PruneTrainingOptions): void {
  const given = [keep, within].filter((aim) => aim !== undefined).length;
  if (given > 1 || (given === 0 && method.kind !== "adaptive"))
    throw new EspalierError("usage", `How much stays is said ${given === 0 ? "nowhere" : "twice"}`, {
      hint: "Give one of `keep` (a share of the units) and `within` (a cost and its limit).",
    });
  if (keep !== undefined && !(keep > 0 && keep <= 1))
    throw new EspalierError("usage", `The share of units to keep must be above 0 and at most 1, got ${keep}`);
}

/** The share of units or of the cost that stays in the end; 0 where the run goes as far as it can. */
export function finalShare({ options: { keep, within } }: PruneRun): number {
  if (within === undefined) return keep ?? 0;
  const whole = within.cost(new Set());
  return whole > 0 ? Math.min(1, within.limit / whole) : 1;
}

/**
 * The units to be gone when a `progress` (0 to 1) of what has to go is gone: the lowest scores, all of `gone` among them.
 * @throws EspalierError "budget" when the groups do not allow it; on the way to the aim that means that nothing goes yet.
 */
export function chooseAt(run: PruneRun, scores: UnitScores, gone: Cut, progress: number): Cut {
  if (progress <= 0) return gone;
  try {
    const cut = chosen(run, scores, Math.min(1, progress));
    return cut.size > gone.size ? cut : gone;
  } catch (error) {
    // A step too small for the alignment, or for a share of each group.
    if (progress < 1 && run.options.scope === "local" && error instanceof EspalierError && error.code === "budget")
      return gone;
    throw error;
  }
}

function chosen(run: PruneRun, scores: UnitScores, progress: number): Cut {
  const { options, candidates } = run;
  const { scope = "global", alignment, minimum, within } = options;
  const rules = {
    scope,
    ...(alignment === undefined ? {} : { alignment }),
    ...(minimum === undefined ? {} : { minimum }),
  };
  if (within !== undefined) {
    const whole = within.cost(new Set());
    const limit = whole - (whole - Math.min(whole, within.limit)) * progress;
    return chooseCutWithin(candidates, scores, { ...within, limit }, rules);
  }
  const size = candidates.reduce((sum, group) => sum + group.size, 0);
  const keep = Math.max(1 / size, 1 - (1 - finalShare(run)) * progress);
  return keep >= 1 ? new Set() : chooseCut(candidates, scores, { ...rules, keep });
}
