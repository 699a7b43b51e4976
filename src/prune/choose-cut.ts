import { EspalierError } from "../diagnostics/index.ts";
import { chooseBothGlobal, chooseBothLocal, countedUnits } from "./choose-both.ts";
import type { PruneGroup, PruneGroups } from "./group-types.ts";
import { overlapOf } from "./overlap.ts";
import type { Bounds } from "./row-parts.ts";
import { cutOf, joinCuts, removalSteps, selectUnits } from "./selection.ts";

/**
 * "channels": single units, equally many from each head or group of a convolution. "rows": whole attention heads (with grouped queries a key head and
 * the query heads that it serves) and whole groups of grouped convolutions. "both": rows, and channels inside the rows that are left.
 */
export type Granularity = "channels" | "rows" | "both";

const WORDS = {
  channels: "channels",
  rows: "heads or groups of convolutions",
  both: "channels, heads or groups of convolutions",
} as const;

/** How much stays, and what limits the choice. */
export interface ChooseOptions {
  /** Share of all units of the given groups to keep, above 0 and up to 1. */
  readonly keep: number;
  /** "global": the lowest scores of all groups go, wherever they are. "local": every group keeps the same share. */
  readonly scope: "global" | "local";
  /** Multiple that the size of the axis which makes the units must keep, for all groups or each; default 1. */
  readonly alignment?: number | ((group: PruneGroup) => number);
  /** Fewest units that a group keeps, for all groups or each; default 1. A smaller group stays whole. */
  readonly minimum?: number | ((group: PruneGroup) => number);
  /** Channels go in blocks of so many neighbours, scored by their mean, for all groups or each; default 1. What fills no block stays. */
  readonly block?: number | ((group: PruneGroup) => number);
  /** What is cut when all found groups are given; default "channels". */
  readonly granularity?: Granularity;
}

/**
 * Unit ids to cut so that at most the asked share of all units stays, as near to it as the groups' steps allow. Scores by group id, as `scoreGroups`
 * gives them; for "global" they must be comparable between groups (a normalisation). Takes either groups of one kind, or all that `findGroups`
 * found and the granularity. Of "both", units are counted in channels (a row counts as those inside it), whole rows and single channels are weighed
 * by their own mean scores, and the cut names the rows and every channel in them.
 * @throws EspalierError "usage" for a share out of range; "budget" when minimum and alignment leave more than was asked ("global" only: a "local"
 * share is rounded up to the next legal count of each group, and it is refused if no group can lose anything).
 */
export function chooseCut(
  found: readonly PruneGroup[] | PruneGroups,
  scores: ReadonlyMap<number, ArrayLike<number>>,
  options: ChooseOptions,
): Set<number> {
  const { keep, scope } = options;
  if (!(keep > 0 && keep <= 1))
    throw new EspalierError("usage", `The share of units to keep must be above 0 and at most 1, got ${keep}`);
  const granularity = options.granularity ?? "channels";
  const groups = groupsOf(found, granularity);
  if (groups.length === 0 && keep < 1 && "state" in found)
    throw new EspalierError(
      "budget",
      `Asked to keep ${100 * keep} % of all units, the graph has no ${WORDS[granularity]} to cut`,
    );
  const bounds = groups.map((group) => boundsOf(group, scores, options));
  const both = "state" in found && granularity === "both" ? overlapOf(found) : null;
  const counted = both === null ? null : countedUnits(both, groups);
  const size = counted?.size ?? groups.reduce((sum, group) => sum + group.size, 0);
  const wanted = keptCount(size, keep);
  let cut: Set<number>;
  if (both === null) cut = scope === "local" ? chooseLocal(bounds, keep) : chooseGlobal(bounds, size - wanted);
  else cut = scope === "local" ? chooseBothLocal(both, bounds, keep) : chooseBothGlobal(both, bounds, size - wanted);
  const left = size - (counted === null ? cut.size : [...cut].filter((id) => counted.has(id)).length);
  if (wanted < size && (left === size || (scope === "global" && left > wanted)))
    throw new EspalierError(
      "budget",
      `Asked to keep ${wanted} of ${size} units, the groups' minimum and alignment leave ${left}`,
      { hint: "Keep a larger share, or lower the minimum, the alignment or the block." },
    );
  return cut;
}

/** The groups that a granularity cuts. */
function groupsOf(found: readonly PruneGroup[] | PruneGroups, granularity: Granularity): readonly PruneGroup[] {
  if ("state" in found) {
    const channels = granularity === "rows" ? [] : found.groups.filter((group) => group.kind === "channels");
    return granularity === "channels" ? channels : [...channels, ...overlapOf(found).rows];
  }
  if (new Set(found.map((group) => group.kind)).size > 1)
    throw new EspalierError("internal", "internal: groups of kind rows and channels overlap", {
      hint: "Give all that findGroups found, and a granularity.",
    });
  return found;
}

function boundsOf(group: PruneGroup, scores: ReadonlyMap<number, ArrayLike<number>>, options: ChooseOptions): Bounds {
  const of = (value: number | ((group: PruneGroup) => number) | undefined) =>
    typeof value === "function" ? value(group) : (value ?? 1);
  return {
    group,
    scores: scoresOf(group, scores),
    alignment: of(options.alignment),
    minimum: Math.min(group.size, of(options.minimum)),
    // Rows are blocks themselves.
    block: group.kind === "rows" ? 1 : of(options.block),
  };
}

/** The least whole number that is at least the share, but for the rounding of a product such as 0.55 x 20. */
function keptCount(size: number, keep: number): number {
  return Math.ceil(keep * size - 1e-9);
}

function scoresOf(group: PruneGroup, scores: ReadonlyMap<number, ArrayLike<number>>): ArrayLike<number> {
  const own = scores.get(group.id);
  if (own === undefined) throw new EspalierError("internal", `internal: no scores for group "${group.name}"`);
  return own;
}

function chooseLocal(bounds: readonly Bounds[], keep: number): Set<number> {
  return joinCuts(
    bounds.map(({ group, scores, alignment, minimum, block }) =>
      cutOf(group, selectUnits(group, scores, keptCount(group.size, keep), alignment, minimum, block)),
    ),
  );
}

/** Takes the cheapest next step of all groups until `target` units are gone. */
function chooseGlobal(bounds: readonly Bounds[], target: number): Set<number> {
  const queues = bounds.map(({ group, scores, alignment, minimum, block }) =>
    removalSteps(group, scores, alignment, minimum, block),
  );
  const next = queues.map(() => 0);
  const gone = new Set<number>();
  while (gone.size < target) {
    let cheapest = -1;
    queues.forEach((steps, i) => {
      const step = steps[next[i]!];
      if (step !== undefined && (cheapest < 0 || step.cost < queues[cheapest]![next[cheapest]!]!.cost)) cheapest = i;
    });
    if (cheapest < 0) break;
    for (const id of queues[cheapest]![next[cheapest]!]!.ids) gone.add(id);
    next[cheapest]!++;
  }
  return gone;
}
