import { scoresLeft } from "./cut-to-counts.ts";
import type { PruneGroup } from "./group-types.ts";
import { groupsWithout, type Overlap } from "./overlap.ts";
import { cutOf, isAligned, keepCounts, selectUnits, stepOf } from "./selection.ts";

/** A group with its scores and the limits of the choice in it. */
export interface Bounds {
  readonly group: PruneGroup;
  readonly scores: ArrayLike<number>;
  readonly alignment: number;
  readonly minimum: number;
  readonly block: number;
}

/** Rows that a row group keeps, steps that a channel group has lost in each cell, by group id; absent: whole. */
export type PartState = ReadonlyMap<number, number>;

/** Groups that limit one another. */
export interface Part {
  readonly rows: readonly Bounds[];
  readonly channels: readonly Bounds[];
}

/** A part after a choice: the units that go, and what is left of its channel groups. */
export interface Chosen {
  readonly gone: ReadonlySet<number>;
  readonly left: ReadonlyMap<number, PruneGroup>;
}

/** The next step of a group of a part. */
export interface Move {
  readonly state: PartState;
  readonly gone: ReadonlySet<number>;
  /** Mean score of what it adds. */
  readonly cost: number;
}

/** Groups in parts: together are rows with the channels inside them, and groups of which something must stay on a common axis. */
export function partsOf(overlap: Overlap, bounds: readonly Bounds[]): Part[] {
  const home = new Map<number, number>();
  const groupOf = new Map(bounds.flatMap(({ group }) => group.units.map(({ id }) => [id, group.id] as const)));
  const parent = new Map(bounds.map(({ group }) => [group.id, group.id]));
  const root = (id: number): number => (parent.get(id) === id ? id : root(parent.get(id)!));
  const join = (units: Iterable<number>) => {
    const groups = [...units].flatMap((id) => groupOf.get(id) ?? []);
    for (const id of groups) parent.set(root(id), root(groups[0]!));
  };
  for (const [row, channels] of overlap.covered) if (groupOf.has(row)) join([row, ...channels]);
  for (const { rows, channels } of overlap.sets) join([...rows, ...channels]);
  const parts: { rows: Bounds[]; channels: Bounds[] }[] = [];
  for (const own of bounds) {
    const key = root(own.group.id);
    const place = home.get(key) ?? parts.push({ rows: [], channels: [] }) - 1;
    home.set(key, place);
    parts[place]![own.group.kind].push(own);
  }
  return parts;
}

/** What a state of a part comes to; null where it is not legal. */
export function chosenAt(overlap: Overlap, part: Part, state: PartState): Chosen | null {
  const rows = new Set<number>();
  for (const { group, scores } of part.rows)
    for (const id of cutOf(group, selectUnits(group, scores, state.get(group.id) ?? group.size))) rows.add(id);
  const left = groupsWithout(
    overlap,
    part.channels.map(({ group }) => group),
    rows,
  );
  if (left === null) return null;
  const gone = new Set([...rows, ...[...rows].flatMap((row) => overlap.covered.get(row) ?? [])]);
  for (const own of part.channels) {
    const smaller = left.get(own.group.id)!;
    const keep = smaller.size - (state.get(own.group.id) ?? 0) * stepOf(smaller) * own.block;
    if (!isLegal(own, smaller, keep)) return null;
    const scores = scoresLeft(own.group, smaller, own.scores);
    for (const id of cutOf(smaller, selectUnits(smaller, scores, keep, 1, 1, own.block))) gone.add(id);
  }
  return { gone, left };
}

/** Whether a group may end with `keep` units: in legal steps from what rows left of it, not below its minimum, aligned unless nothing was cut. */
function isLegal({ group, alignment, minimum, block }: Bounds, left: PruneGroup, keep: number): boolean {
  if (keep === group.size) return true;
  if (keep < minimum || !isAligned(left, (left.size - keep) / Math.max(1, stepOf(left)), alignment)) return false;
  return keep === left.size || keepCounts(left, 1, 1, block).includes(keep);
}

/** The next step of each group of a part. */
export function movesOf(overlap: Overlap, part: Part, at: PartState): Move[] {
  const now = chosenAt(overlap, part, at)!;
  const move = (own: Bounds, values: readonly number[]): Move[] => {
    for (const value of values) {
      const state = new Map(at).set(own.group.id, value);
      const next = chosenAt(overlap, part, state);
      if (next === null) continue;
      const newly = own.group.units.flatMap(({ id }, i) =>
        next.gone.has(id) && !now.gone.has(id) ? [own.scores[i]!] : [],
      );
      return [{ state, gone: next.gone, cost: newly.reduce((sum, score) => sum + score, 0) / newly.length }];
    }
    return [];
  };
  const rows = part.rows.flatMap((own) => {
    const kept = at.get(own.group.id) ?? own.group.size;
    const alignment = part.channels.length === 0 ? own.alignment : 1;
    return move(
      own,
      keepCounts(own.group, alignment, own.minimum)
        .filter((count) => count < kept)
        .reverse(),
    );
  });
  const channels = part.channels.flatMap((own) => {
    const left = now.left.get(own.group.id)!;
    const taken = at.get(own.group.id) ?? 0;
    const step = stepOf(left) * own.block;
    const counts = keepCounts(left, own.alignment, Math.min(own.minimum, left.size), own.block);
    return move(
      own,
      counts
        .map((count) => (left.size - count) / step)
        .filter((steps) => steps > taken)
        .reverse(),
    );
  });
  return [...rows, ...channels];
}
