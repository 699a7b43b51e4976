import { EspalierError } from "../diagnostics/index.ts";
import { type Cut, type PruneGroup, sliceKey } from "./group-types.ts";

/** The cut that keeps the given units of a group. */
export function cutOf(group: PruneGroup, kept: Iterable<number>): Set<number> {
  const keep = new Set(kept);
  return new Set(group.units.filter((unit) => !keep.has(unit.id)).map((unit) => unit.id));
}

/** One cut out of several. */
export function joinCuts(cuts: Iterable<Cut>): Set<number> {
  const all = new Set<number>();
  for (const cut of cuts) for (const unit of cut) all.add(unit);
  return all;
}

/** How many positions of the axis that makes the units one unit holds (more than 1 where a unit is a row or spans several). */
function widthOf(group: PruneGroup): number {
  const member = group.members.find((m) => m.role === "out") ?? group.members[0]!;
  const slice = group.units[0]!.slices.find((s) => sliceKey(s) === sliceKey(member));
  return slice?.positions.length ?? 1;
}

/** Units that a step of a cut takes from the group. */
function stepOf(group: PruneGroup): number {
  return group.cells.reduce((sum, cell) => sum + cell.step, 0);
}

/** The most steps that leave each cell one unit, and one more for each set that must keep one. */
function mostSteps(group: PruneGroup): number {
  const stay = Math.max(1, group.lastOnes.length);
  return Math.min(...group.cells.map((cell) => Math.max(0, Math.floor((cell.units.length - stay) / cell.step))));
}

/**
 * Numbers of kept units that are legal, ascending: equal in all rows of a grid, at least `minimum`, and such that the axis that makes the
 * units ends at a multiple of `alignment`. Keeping everything is always legal.
 */
export function keepCounts(group: PruneGroup, alignment = 1, minimum = 1): number[] {
  const step = stepOf(group);
  const width = widthOf(group);
  const counts: number[] = [];
  for (let steps = mostSteps(group); steps > 0; steps--) {
    const keep = group.size - steps * step;
    if (keep >= minimum && (keep * width) % alignment === 0) counts.push(keep);
  }
  counts.push(group.size);
  return counts;
}

/**
 * Ids of the units to keep: the highest scores, as many as the smallest legal count that is at least `keep` (a number of units). Each cell
 * of a grid keeps its own best. Ties go to the earlier unit. `scores` is parallel to `group.units`.
 */
export function selectUnits(
  group: PruneGroup,
  scores: ArrayLike<number>,
  keep: number,
  alignment = 1,
  minimum = 1,
): number[] {
  if (scores.length !== group.size)
    throw new EspalierError(
      "internal",
      `internal: group "${group.name}" has ${group.size} units, got ${scores.length} scores`,
    );
  const count = keepCounts(group, alignment, minimum).find((candidate) => candidate >= keep) ?? group.size;
  const steps = (group.size - count) / stepOf(group);
  const better = (a: number, b: number) => scores[b]! - scores[a]! || a - b;
  const must = new Set(group.lastOnes.map((set) => [...set].sort(better)[0]!));
  const kept = group.cells.flatMap((cell) => {
    const order = [...cell.units].sort((a, b) => Number(must.has(b)) - Number(must.has(a)) || better(a, b));
    return order.slice(0, cell.units.length - steps * cell.step);
  });
  return kept.sort((a, b) => a - b).map((i) => group.units[i]!.id);
}
