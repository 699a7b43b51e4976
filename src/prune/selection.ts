import { EspalierError } from "../diagnostics/index.ts";
import type { Cut, PruneGroup } from "./group-types.ts";

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
  const slice = group.units[0]!.slices.find((s) => s.value === member.value && s.axes.join() === member.axes.join());
  return slice?.positions.length ?? 1;
}

/**
 * Numbers of kept units that are legal, ascending: equal in all rows of a grid, at least `minimum`, and such that the axis that makes the
 * units ends at a multiple of `alignment`. Keeping everything is always legal.
 */
export function keepCounts(group: PruneGroup, alignment = 1, minimum = 1): number[] {
  const rows = Math.max(1, ...group.grids.map((grid) => grid.length));
  const width = widthOf(group);
  const counts: number[] = [];
  for (let keep = rows; keep < group.size; keep += rows)
    if (keep >= minimum && (keep * width) % alignment === 0) counts.push(keep);
  counts.push(group.size);
  return counts;
}

/**
 * Ids of the units to keep: the highest scores, as many as the smallest legal count that is at least `keep` (a number of units). In a grid
 * each row keeps its own best. Ties go to the earlier unit. `scores` is parallel to `group.units`.
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
  const counts = keepCounts(group, alignment, minimum);
  const count = counts.find((candidate) => candidate >= keep) ?? group.size;
  const order = (units: readonly number[]) => [...units].sort((a, b) => scores[b]! - scores[a]! || a - b);
  const all = group.units.map((_, i) => i);
  if (count === group.size) return group.units.map((unit) => unit.id);
  if (group.grids.length === 0) return idsOf(group, order(all).slice(0, count));
  const grid = finestGrid(group);
  const each = (row: readonly number[]) => Math.round((row.length * count) / group.size);
  const own = grid.flatMap((row) => order(row).slice(0, each(row)));
  if (equalInAllGrids(group, own)) return idsOf(group, own);
  return idsOf(group, bundles(group, grid, scores, count));
}

function idsOf(group: PruneGroup, indices: readonly number[]): number[] {
  return [...indices].sort((a, b) => a - b).map((i) => group.units[i]!.id);
}

function finestGrid(group: PruneGroup): readonly (readonly number[])[] {
  return group.grids.reduce((finest, grid) => (grid.length > finest.length ? grid : finest));
}

function equalInAllGrids(group: PruneGroup, kept: readonly number[]): boolean {
  const keep = new Set(kept);
  return group.grids.every((grid) => {
    const gone = grid.map((row) => row.filter((unit) => !keep.has(unit)).length);
    return gone.every((count) => count === gone[0]);
  });
}

/** Where grids cross, each row gives up the units at the same places: the sums over rows decide. */
function bundles(
  group: PruneGroup,
  grid: readonly (readonly number[])[],
  scores: ArrayLike<number>,
  count: number,
): number[] {
  const places = grid[0]!.map((_, place) => grid.flatMap((row) => row[place] ?? []));
  const total = (place: number) => places[place]!.reduce((sum, unit) => sum + scores[unit]!, 0);
  const order = places.map((_, place) => place).sort((a, b) => total(b) - total(a) || a - b);
  const kept = order.slice(0, Math.round((places.length * count) / group.size)).flatMap((place) => places[place]!);
  if (equalInAllGrids(group, kept)) return kept;
  throw new EspalierError("unsupported", `Group "${group.name}" lies on grids that cannot be cut alike`, {
    hint: "Leave this group at its full size.",
  });
}
