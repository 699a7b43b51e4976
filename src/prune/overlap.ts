import { axisSets, type Cell } from "./constraints.ts";
import type { PruneGroup, PruneGroups } from "./group-types.ts";
import { expandRows } from "./groups.ts";
import { gridRows } from "./rows.ts";

/** Units of which at least one must stay because together they are everything on an axis, by unit id. */
interface AxisSet {
  readonly channels: readonly number[];
  readonly rows: readonly number[];
}

type Grid = readonly (readonly number[])[];

/** How whole rows and the channels inside them overlap in a graph: worked out once, then asked for any choice of rows. */
export interface Overlap {
  /** Row groups that may be cut. */
  readonly rows: readonly PruneGroup[];
  /** Ids of the channel units that go with each row unit, by the row unit's id. */
  readonly covered: ReadonlyMap<number, readonly number[]>;
  readonly sets: readonly AxisSet[];
  /** Rows of the grids on which the units of each channel group lie, as unit ids, by group id. */
  readonly grids: ReadonlyMap<number, readonly Grid[]>;
}

/** The row groups whose rows may go without a thought for others: of rows inside rows (groups of a convolution in the groups of another) the outer ones. */
function separateRows(found: PruneGroups): PruneGroup[] {
  const { unitClass, rows } = found.state;
  return found.groups.filter((group) => {
    if (group.kind !== "rows") return false;
    const own = new Set(group.units.flatMap((unit) => expandRows(unitClass[unit.id]!, rows)));
    return [...rows].every(([id, lists]) => own.has(id) || !lists.some((list) => list.some((at) => own.has(at))));
  });
}

const known = new WeakMap<PruneGroups, Overlap>();

/** The overlap of row and channel units. */
export function overlapOf(found: PruneGroups): Overlap {
  const before = known.get(found);
  if (before !== undefined) return before;
  const { coupling, classOf, unitClass, rows } = found.state;
  const channelAt = new Map<number, number>();
  const rowsAt = new Map<number, number[]>();
  const kindOf = new Map(found.groups.flatMap((group) => group.units.map((unit) => [unit.id, group.kind] as const)));
  for (const [id, kind] of kindOf) if (kind === "channels") channelAt.set(unitClass[id]!, id);
  const covered = new Map<number, number[]>();
  for (const [id, kind] of kindOf) {
    if (kind !== "rows") continue;
    const classes = expandRows(unitClass[id]!, rows);
    covered.set(
      id,
      classes.flatMap((at) => channelAt.get(at) ?? []),
    );
    for (const at of classes) rowsAt.set(at, [...(rowsAt.get(at) ?? []), id]);
  }
  const sets = axisSets(coupling, classOf, (id) => channelAt.has(id) || rowsAt.has(id)).map((classes) => ({
    channels: classes.flatMap((id) => channelAt.get(id) ?? []),
    rows: classes.flatMap((id) => (channelAt.has(id) ? [] : rowsAt.get(id)!)),
  }));
  // Every group keeps a unit, and with it every set that holds the whole group.
  const holdsGroup = ({ channels }: AxisSet) => {
    const own = new Set(channels);
    return found.groups.some(({ kind, units }) => kind === "channels" && units.every(({ id }) => own.has(id)));
  };
  const home = new Map(found.groups.flatMap(({ id, units }) => units.map((unit) => [unit.id, id] as const)));
  const grids = new Map<number, Grid[]>(found.groups.map(({ id }) => [id, []]));
  for (const classes of gridRows(coupling, classOf)) {
    const grid = classes.map((row) => row.flatMap((id) => channelAt.get(id) ?? [])).filter((row) => row.length > 0);
    for (const id of new Set(grid.flat().map((unit) => home.get(unit)!))) grids.get(id)!.push(grid);
  }
  const overlap = { rows: separateRows(found), covered, sets: sets.filter((set) => !holdsGroup(set)), grids };
  known.set(found, overlap);
  return overlap;
}

/**
 * What is left of channel groups when row units go: smaller groups whose units may be chosen as before. A group that loses nothing is itself; one
 * whose choice would no longer be rectangular has no cells to choose from. Null where those rows leave an axis empty.
 */
export function groupsWithout(
  overlap: Overlap,
  groups: readonly PruneGroup[],
  rows: ReadonlySet<number>,
): Map<number, PruneGroup> | null {
  const gone = new Set([...rows].flatMap((row) => overlap.covered.get(row) ?? []));
  if (gone.size === 0) return new Map(groups.map((group) => [group.id, group]));
  const left = new Map<number, PruneGroup>();
  for (const group of groups) {
    const smaller = withoutUnits(overlap, group, gone);
    if (smaller === null) return null;
    left.set(group.id, smaller);
  }
  const last = lastOnesOf(overlap, [...left.values()], rows, gone);
  if (last === null) return null;
  for (const [id, group] of left) left.set(id, { ...group, lastOnes: last.get(id) ?? [] });
  return left;
}

function withoutUnits(overlap: Overlap, group: PruneGroup, gone: ReadonlySet<number>): PruneGroup | null {
  const units = group.units.filter((unit) => !gone.has(unit.id));
  if (units.length === group.size) return group;
  if (units.length === 0) return null;
  const at = new Map(units.map((unit, i) => [unit.id, i]));
  const cells: Cell[] = [];
  let whole = true;
  for (const { units: own, step } of group.cells) {
    const stay = own.flatMap((i) => at.get(group.units[i]!.id) ?? []);
    if (stay.length > 0) cells.push({ units: stay, step });
    if (stay.length > 0 && stay.length < own.length) whole = false;
  }
  const fits = whole && overlap.grids.get(group.id)!.every((grid) => losesEqually(grid, at, cells));
  return { ...group, units, size: units.length, cells: fits ? cells : [], lastOnes: [] };
}

/** Whether one step of the cells takes equally many units from every row of a grid that is left. */
function losesEqually(
  grid: readonly (readonly number[])[],
  at: ReadonlyMap<number, number>,
  cells: readonly Cell[],
): boolean {
  const share = new Map<number, number>();
  for (const { units, step } of cells) for (const unit of units) share.set(unit, step / units.length);
  const losses = grid.flatMap((row) => {
    const left = row.flatMap((id) => at.get(id) ?? []);
    return left.length === 0 ? [] : [left.reduce((sum, unit) => sum + share.get(unit)!, 0)];
  });
  return losses.every((loss) => Math.abs(loss - losses[0]!) < 1e-9);
}

/** For each group, the sets (of unit indices) of which one must stay; null where the rows emptied one. A set that holds a whole group needs none. */
function lastOnesOf(
  { sets }: Overlap,
  groups: readonly PruneGroup[],
  rows: ReadonlySet<number>,
  gone: ReadonlySet<number>,
): Map<number, number[][]> | null {
  const home = new Map<number, { readonly group: PruneGroup; readonly index: number }>();
  for (const group of groups) group.units.forEach((unit, index) => void home.set(unit.id, { group, index }));
  const found = new Map<number, Map<string, number[]>>(groups.map((group) => [group.id, new Map()]));
  for (const set of sets) {
    if (set.rows.some((row) => !rows.has(row))) continue;
    const stay = set.channels.filter((id) => !gone.has(id));
    if (stay.length === 0) return null;
    // A unit of a group that is not cut stays for sure.
    if (stay.some((id) => !home.has(id))) continue;
    const byGroup = new Map<PruneGroup, number[]>();
    for (const id of stay) {
      const { group, index } = home.get(id)!;
      byGroup.set(group, [...(byGroup.get(group) ?? []), index]);
    }
    if ([...byGroup].some(([group, units]) => units.length === group.size)) continue;
    const [group, units] = [...byGroup].reduce((best, next) => (next[1].length > best[1].length ? next : best));
    const sorted = units.sort((a, b) => a - b);
    found.get(group.id)!.set(sorted.join(), sorted);
  }
  return new Map([...found].map(([id, own]) => [id, [...own.values()]]));
}
