import { EspalierError } from "../diagnostics/index.ts";
import { type ChooseOptions, chooseCut } from "./choose-cut.ts";
import type { Cut, PruneGroup, PruneGroups } from "./group-types.ts";

/** A cost that a cut must bring down to a limit, such as the MACs of what is left. */
export interface CostLimit {
  /** Cost of the graph after a cut. It must not rise when more is cut. */
  readonly cost: (cut: Cut) => number;
  readonly limit: number;
  /** What the cost is, for errors: "MACs". */
  readonly what: string;
}

/**
 * The smallest cut (by lowest scores, as `chooseCut` takes them) whose cost is within the limit, found by bisection over the number of units that
 * stay: some 15 costs for a ResNet-50.
 * @throws EspalierError "budget" when even the largest cut that minimum and alignment allow costs more, with the least that was reached.
 */
export function chooseCutWithin(
  groups: readonly PruneGroup[] | PruneGroups,
  scores: ReadonlyMap<number, ArrayLike<number>>,
  { cost, limit, what }: CostLimit,
  options: Omit<ChooseOptions, "keep">,
): Cut {
  const none: Cut = new Set();
  if (cost(none) <= limit) return none;
  const size = ("state" in groups ? groups.groups : groups).reduce((sum, group) => sum + group.size, 0);
  let best: Cut | null = null;
  let least = cost(none);
  let [low, high] = [0, size];
  // Keeping `high` units costs too much; keeping `low` is within the limit, or cuts more than the groups allow.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const cut = attempt(groups, scores, middle / size, options);
    const price = cut === null ? null : cost(cut);
    if (price !== null) least = Math.min(least, price);
    // A global choice is refused where so much cannot go, a local one where so little rounds to nothing.
    if (price === null ? options.scope === "local" : price > limit) high = middle;
    else {
      low = middle;
      best = cut ?? best;
    }
  }
  if (best !== null) return best;
  throw new EspalierError(
    "budget",
    `Asked for at most ${limit} ${what}, the least that cutting units reaches is ${least}`,
    {
      hint: "Ask for more, or lower the minimum or the alignment of groups.",
    },
  );
}

/** Null where the groups cannot lose just so many. */
function attempt(
  groups: readonly PruneGroup[] | PruneGroups,
  scores: ReadonlyMap<number, ArrayLike<number>>,
  keep: number,
  options: Omit<ChooseOptions, "keep">,
): Cut | null {
  try {
    return chooseCut(groups, scores, { ...options, keep });
  } catch (error) {
    if (error instanceof EspalierError && error.code === "budget") return null;
    throw error;
  }
}
