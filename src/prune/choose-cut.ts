import { EspalierError } from "../diagnostics/index.ts";
import type { PruneGroup } from "./group-types.ts";
import { cutOf, joinCuts, keepCounts, selectUnits } from "./selection.ts";

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
}

/** The next legal step of a group: the ids that go, and their mean score. */
interface Step {
  readonly ids: readonly number[];
  readonly cost: number;
}

/**
 * Unit ids to cut so that at most the asked share of all units stays, as near to it as the groups' steps allow. Scores by group id, as `scoreGroups`
 * gives them; for "global" they must be comparable between groups (a normalisation). Groups must not overlap: give those of kind channels, or those
 * of kind rows.
 * @throws EspalierError "usage" for a share out of range; "budget" when minimum and alignment leave more than was asked ("global" only: a "local"
 * share is rounded up to the next legal count of each group, and it is refused if no group can lose anything).
 */
export function chooseCut(
  groups: readonly PruneGroup[],
  scores: ReadonlyMap<number, ArrayLike<number>>,
  options: ChooseOptions,
): Set<number> {
  const { keep, scope } = options;
  if (!(keep > 0 && keep <= 1))
    throw new EspalierError("usage", `The share of units to keep must be above 0 and at most 1, got ${keep}`);
  const of = (value: number | ((group: PruneGroup) => number) | undefined, group: PruneGroup) =>
    typeof value === "function" ? value(group) : (value ?? 1);
  const bounds = groups.map((group) => ({
    group,
    scores: scoresOf(group, scores),
    alignment: of(options.alignment, group),
    minimum: Math.min(group.size, of(options.minimum, group)),
  }));
  const size = groups.reduce((sum, group) => sum + group.size, 0);
  const wanted = keptCount(size, keep);
  const cut = scope === "local" ? chooseLocal(bounds, keep) : chooseGlobal(bounds, size - wanted);
  if (wanted < size && (cut.size === 0 || (scope === "global" && size - cut.size > wanted)))
    throw new EspalierError(
      "budget",
      `Asked to keep ${wanted} of ${size} units, the groups' minimum and alignment leave ${size - cut.size}`,
      { hint: "Keep a larger share, or lower the minimum or the alignment." },
    );
  return cut;
}

/** The least whole number that is at least the share, but for the rounding of a product such as 0.55 x 20. */
function keptCount(size: number, keep: number): number {
  return Math.ceil(keep * size - 1e-9);
}

interface Bounds {
  readonly group: PruneGroup;
  readonly scores: ArrayLike<number>;
  readonly alignment: number;
  readonly minimum: number;
}

function scoresOf(group: PruneGroup, scores: ReadonlyMap<number, ArrayLike<number>>): ArrayLike<number> {
  const own = scores.get(group.id);
  if (own === undefined) throw new EspalierError("internal", `internal: no scores for group "${group.name}"`);
  return own;
}

function chooseLocal(bounds: readonly Bounds[], keep: number): Set<number> {
  return joinCuts(
    bounds.map(({ group, scores, alignment, minimum }) =>
      cutOf(group, selectUnits(group, scores, keptCount(group.size, keep), alignment, minimum)),
    ),
  );
}

/** Takes the cheapest next step of all groups until `target` units are gone. */
function chooseGlobal(bounds: readonly Bounds[], target: number): Set<number> {
  const queues = bounds.map(stepsOf);
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

/** What a group loses from one legal count to the next smaller: selections are nested, since each keeps the best of every cell. */
function stepsOf({ group, scores, alignment, minimum }: Bounds): Step[] {
  const at = new Map(group.units.map((unit, i) => [unit.id, i]));
  let stay = group.units.map((unit) => unit.id);
  return keepCounts(group, alignment, minimum)
    .reverse()
    .slice(1)
    .map((count) => {
      const kept = new Set(selectUnits(group, scores, count, alignment, minimum));
      const ids = stay.filter((id) => !kept.has(id));
      stay = stay.filter((id) => kept.has(id));
      return { ids, cost: ids.reduce((sum, id) => sum + scores[at.get(id)!]!, 0) / ids.length };
    });
}
