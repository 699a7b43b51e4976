import type { Coupling } from "./coupling.ts";

/** Units among which a choice is made: each step of a cut takes `step` units from every cell of a group. */
export interface Cell {
  /** Indices into the group's units. */
  readonly units: readonly number[];
  readonly step: number;
}

/**
 * Splits units into cells such that taking equally many steps from each keeps every grid equal: units that lie in the same rows of the
 * same grids are one cell. Grid rows are lists of unit indices. Null where the grids cross so that no step fits.
 */
export function cellsOf(size: number, grids: readonly (readonly (readonly number[])[])[]): Cell[] | null {
  const keys = Array.from({ length: size }, () => [] as string[]);
  grids.forEach((grid, g) => {
    grid.forEach((row, r) => {
      for (const unit of row) keys[unit]!.push(`${g}.${r}`);
    });
  });
  const cells = new Map<string, number[]>();
  keys.forEach((key, unit) => {
    const cell = cells.get(key.join());
    if (cell === undefined) cells.set(key.join(), [unit]);
    else cell.push(unit);
  });
  const units = [...cells.values()];
  const shared = units.map((cell) => cell.length).reduce(gcd);
  for (const steps of [units.map(() => 1), units.map((cell) => cell.length / shared)]) {
    const made = units.map((cell, i) => ({ units: cell, step: steps[i]! }));
    const roomy = made.every((cell) => cell.units.length > cell.step);
    if (roomy && grids.every((grid) => equalRows(grid, made))) return made;
  }
  return null;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Whether one step takes equally many units from each row. */
function equalRows(grid: readonly (readonly number[])[], cells: readonly Cell[]): boolean {
  const stepOf = new Map<number, number>();
  for (const cell of cells) for (const unit of cell.units) stepOf.set(unit, cell.step / cell.units.length);
  const loss = grid.map((row) => row.reduce((sum, unit) => sum + stepOf.get(unit)!, 0));
  return loss.every((value) => Math.abs(value - loss[0]!) < 1e-9);
}

/**
 * Sets of classes of which one must stay, because all together they are everything on some axis of a value (a part of a split, a slice).
 * `classesOf` gives the classes that each unit of each group takes along; the answer has, for each group, sets of unit indices.
 * A set that holds a whole group needs no entry: every group keeps a unit.
 */
export function lastOnes(
  coupling: Coupling,
  classOf: Int32Array,
  classesOf: readonly (readonly (readonly number[])[])[],
): number[][][] {
  const unitsOf = new Map<number, { group: number; unit: number }[]>();
  classesOf.forEach((units, group) => {
    units.forEach((classes, unit) => {
      for (const id of classes) {
        const list = unitsOf.get(id);
        if (list === undefined) unitsOf.set(id, [{ group, unit }]);
        else list.push({ group, unit });
      }
    });
  });
  const result: Map<string, number[]>[] = classesOf.map(() => new Map());
  for (const classes of axisSets(coupling, classOf, (id) => unitsOf.has(id))) {
    const touched = new Map<number, Set<number>>();
    for (const id of classes)
      for (const { group, unit } of unitsOf.get(id)!) touched.set(group, (touched.get(group) ?? new Set()).add(unit));
    if ([...touched].some(([group, units]) => units.size === classesOf[group]!.length)) continue;
    const [group, units] = [...touched].reduce((best, next) => (next[1].size > best[1].size ? next : best));
    const sorted = [...units].sort((a, b) => a - b);
    result[group]!.set(sorted.join(), sorted);
  }
  return result.map((sets) => [...sets.values()]);
}

/** The distinct classes of every index tensor all of whose classes may go: of each at least one must stay. */
export function axisSets(coupling: Coupling, classOf: Int32Array, mayGo: (id: number) => boolean): number[][] {
  const sets: number[][] = [];
  for (const ids of indexTensors(coupling)) {
    const classes = new Set<number>();
    let free = true;
    for (const id of ids) {
      const own = classOf[id]!;
      if (classes.has(own)) continue;
      free = mayGo(own);
      if (!free) break;
      classes.add(own);
    }
    if (free) sets.push([...classes]);
  }
  return sets;
}

function indexTensors(coupling: Coupling): Set<Int32Array> {
  const all = new Set<Int32Array>();
  for (const families of coupling.families.values()) for (const family of families) all.add(family.ids);
  for (const grid of coupling.grids) all.add(grid.ids);
  return all;
}
