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

/** An axis that makes the units of a group: how many of its positions they hold, and how many a step takes from it. */
interface MadeAxis {
  readonly positions: number;
  readonly lostByStep: number;
}

/**
 * The axes that an alignment is about: the first that makes the units. Rows may be made by weights of several widths (grouped queries), all of which count
 * but those of one position a row (a table with a number for each head).
 */
function madeAxes(group: PruneGroup): MadeAxis[] {
  const makers = group.members.filter((m) => m.role === "out");
  const axes = (makers.length === 0 ? group.members : makers).map((member) => {
    const key = sliceKey(member);
    const width = (unit: number) =>
      group.units[unit]!.slices.find((slice) => sliceKey(slice) === key)?.positions.length ?? 1;
    return {
      positions: group.units.reduce((sum, _, unit) => sum + width(unit), 0),
      lostByStep: group.cells.reduce((sum, { units, step }) => sum + step * width(units[0]!), 0),
    };
  });
  const wide = axes.filter(({ positions }) => positions > group.size);
  return group.kind === "rows" && wide.length > 0 ? wide : axes.slice(0, 1);
}

/** Whether every axis that makes the units is a multiple of `alignment` after some steps. */
export function isAligned(group: PruneGroup, steps: number, alignment: number): boolean {
  return alignment === 1 || alignedAfter(madeAxes(group), steps, alignment);
}

function alignedAfter(axes: readonly MadeAxis[], steps: number, alignment: number): boolean {
  return axes.every(({ positions, lostByStep }) => (positions - steps * lostByStep) % alignment === 0);
}

/** Units that a step of a cut takes from the group; blocks of them where units go in blocks. */
export function stepOf(group: PruneGroup): number {
  return group.cells.reduce((sum, cell) => sum + cell.step, 0);
}

/**
 * The units of a cell in blocks of `block` neighbours, as they lie on the axis that makes them: what goes or stays as one. Units that fill no whole
 * block are in none, and stay.
 */
function blocksOf(group: PruneGroup, cell: PruneGroup["cells"][number], block: number): number[][] {
  if (block === 1) return cell.units.map((unit) => [unit]);
  const member = sliceKey(group.members.find((m) => m.role === "out") ?? group.members[0]!);
  const place = (unit: number) =>
    group.units[unit]!.slices.find((slice) => sliceKey(slice) === member)?.positions[0] ?? 0;
  const sorted = [...cell.units].sort((a, b) => place(a) - place(b) || a - b);
  return Array.from({ length: Math.floor(sorted.length / block) }, (_, i) => sorted.slice(i * block, (i + 1) * block));
}

/** The most steps that leave each cell one block, and one more for each set that must keep one. */
function mostSteps(group: PruneGroup, block: number): number {
  if (group.cells.length === 0) return 0;
  const stay = Math.max(1, group.lastOnes.length);
  const blocks = (units: number) => Math.floor(units / block);
  return Math.min(
    ...group.cells.map(({ units, step }) => Math.max(0, Math.floor((blocks(units.length) - stay) / step))),
  );
}

/**
 * Numbers of kept units that are legal, ascending: equal in all rows of a grid, at least `minimum`, and such that the axis that makes the
 * units ends at a multiple of `alignment`. With `block`, units go in blocks of so many neighbours. Keeping everything is always legal.
 */
export function keepCounts(group: PruneGroup, alignment = 1, minimum = 1, block = 1): number[] {
  const step = stepOf(group) * checkedBlock(block);
  const axes = alignment === 1 ? [] : madeAxes(group);
  const counts: number[] = [];
  for (let steps = mostSteps(group, block); steps > 0; steps--) {
    const keep = group.size - steps * step;
    if (keep >= minimum && alignedAfter(axes, steps * block, alignment)) counts.push(keep);
  }
  counts.push(group.size);
  return counts;
}

function checkedBlock(block: number): number {
  if (!Number.isSafeInteger(block) || block < 1)
    throw new EspalierError("usage", `A block must be a whole number of units from 1 on, got ${block}`);
  return block;
}

/**
 * Ids of the units to keep: the highest scores, as many as the smallest legal count that is at least `keep` (a number of units). Each cell
 * of a grid keeps its own best. With `block`, blocks of so many neighbours are kept by their mean score. Ties go to the earlier unit. `scores` is
 * parallel to `group.units`.
 */
export function selectUnits(
  group: PruneGroup,
  scores: ArrayLike<number>,
  keep: number,
  alignment = 1,
  minimum = 1,
  block = 1,
): number[] {
  if (scores.length !== group.size)
    throw new EspalierError(
      "internal",
      `internal: group "${group.name}" has ${group.size} units, got ${scores.length} scores`,
    );
  const count = keepCounts(group, alignment, minimum, block).find((candidate) => candidate >= keep) ?? group.size;
  const steps = (group.size - count) / (stepOf(group) * block);
  const gone = new Set(
    blocksByScore(group, scores, block).flatMap((blocks, i) =>
      blocks.slice(blocks.length - steps * group.cells[i]!.step).flat(),
    ),
  );
  return group.units.filter((_, i) => !gone.has(i)).map((unit) => unit.id);
}

/** The blocks of each cell, those that matter most first; units that must stay for a set before all others. Ties go to the earlier unit. */
function blocksByScore(group: PruneGroup, scores: ArrayLike<number>, block: number): number[][][] {
  const better = (a: number, b: number) => scores[b]! - scores[a]! || a - b;
  const must = new Set(group.lastOnes.map((set) => [...set].sort(better)[0]!));
  return group.cells.map((cell) =>
    blocksOf(group, cell, block)
      .map((units) => ({
        units,
        must: units.some((unit) => must.has(unit)),
        score: units.reduce((sum, unit) => sum + scores[unit]!, 0) / units.length,
      }))
      .sort((a, b) => Number(b.must) - Number(a.must) || b.score - a.score || a.units[0]! - b.units[0]!)
      .map(({ units }) => units),
  );
}

/** What a group loses from one legal count to the next smaller. */
export interface RemovalStep {
  readonly ids: readonly number[];
  /** Mean score of what goes. */
  readonly cost: number;
}

/** The legal steps of a group from whole to its least count: selections are nested, since each keeps the best of every cell. */
export function removalSteps(
  group: PruneGroup,
  scores: ArrayLike<number>,
  alignment = 1,
  minimum = 1,
  block = 1,
): RemovalStep[] {
  const cells = blocksByScore(group, scores, block);
  let taken = 0;
  return keepCounts(group, alignment, minimum, block)
    .reverse()
    .slice(1)
    .map((count) => {
      const before = taken;
      taken = (group.size - count) / (stepOf(group) * block);
      const units = cells.flatMap((blocks, i) => {
        const { step } = group.cells[i]!;
        return blocks.slice(blocks.length - taken * step, blocks.length - before * step).flat();
      });
      const cost = units.reduce((sum, unit) => sum + scores[unit]!, 0) / units.length;
      return { ids: units.sort((a, b) => a - b).map((unit) => group.units[unit]!.id), cost };
    });
}
