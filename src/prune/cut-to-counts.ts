import type { PruneGroup, PruneGroups } from "./group-types.ts";
import { groupsWithout, overlapOf } from "./overlap.ts";
import { cutOf, joinCuts, selectUnits, stepOf } from "./selection.ts";

/** Scores of the units of each group by the group's id, parallel to its units. */
export type UnitScores = ReadonlyMap<number, ArrayLike<number>>;

/** The scores of the units that are left of a group. */
export function scoresLeft(group: PruneGroup, left: PruneGroup, scores: ArrayLike<number>): Float64Array {
  const at = new Map(group.units.map((unit, i) => [unit.id, i]));
  return Float64Array.from(left.units, (unit) => scores[at.get(unit.id)!]!);
}

/** What limits a cut to counts. */
export interface CountOptions {
  /** Channels go in blocks of so many neighbours; default 1. */
  readonly block?: number;
  /** Multiple at which the axis that makes the channels of a group ends when rows of it go too, with a few more channels if need be; default 1. */
  readonly alignment?: number;
}

/**
 * The cut after which groups keep given numbers of units (by group id; others stay whole), of both kinds at once: whole rows go first, and
 * channels then go from the rows that are left, as many from each row as if all were there. So a count of channels means the same with any
 * number of rows, and every combination is legal: where rows and channels cannot both go, the channels stay. Named are the row units, the
 * channel units inside them and the channel units that go on their own. The lowest scores go.
 */
export function cutToCounts(
  found: PruneGroups,
  scores: UnitScores,
  counts: ReadonlyMap<number, number>,
  options: CountOptions = {},
): Set<number> {
  const { block = 1, alignment = 1 } = options;
  const overlap = overlapOf(found);
  const channels = found.groups.filter((group) => group.kind === "channels");
  const lost = overlap.rows.flatMap((group) => {
    const count = counts.get(group.id) ?? group.size;
    return count >= group.size ? [] : [cutOf(group, selectUnits(group, scores.get(group.id)!, count))];
  });
  let rows = joinCuts(lost);
  let left = groupsWithout(overlap, channels, rows);
  // Two row groups may together empty an axis that neither empties alone: then the later one stays.
  if (left === null) {
    rows = new Set();
    for (const own of lost) {
      const more = joinCuts([rows, own]);
      if (groupsWithout(overlap, channels, more) !== null) rows = more;
    }
    left = groupsWithout(overlap, channels, rows)!;
  }
  const gone = new Set([...rows, ...[...rows].flatMap((row) => overlap.covered.get(row) ?? [])]);
  for (const group of channels) {
    const count = counts.get(group.id) ?? group.size;
    if (count >= group.size) continue;
    const smaller = left.get(group.id)!;
    const steps = Math.floor((group.size - count) / (stepOf(group) * block));
    const keep = smaller.size - steps * stepOf(smaller) * block;
    const own = scoresLeft(group, smaller, scores.get(group.id)!);
    const aligned = smaller === group ? 1 : alignment;
    for (const id of cutOf(smaller, selectUnits(smaller, own, keep, aligned, 1, block))) gone.add(id);
  }
  return gone;
}
