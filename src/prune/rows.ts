import type { Coupling } from "./coupling.ts";
import { nestRows } from "./rows-in-rows.ts";

/**
 * Rows after all unions: a row whose members are one class is that class, and rows of the same members are one. Joining some may make others
 * so, hence the loop. Returns the members (as classes) of each row by the row's class.
 */
export function settleRows(coupling: Coupling): Map<number, number[][]> {
  const { ids, rows } = coupling;
  for (let before = -1; before !== ids.edges.length; ) {
    before = ids.edges.length;
    const alike = new Map<string, number>();
    for (const row of rows) {
      const members = [...new Set(Array.from(row.members, (member) => ids.find(member)))].sort((a, b) => a - b);
      const key = members.join();
      const other = members.length === 1 ? members[0]! : alike.get(key);
      if (other !== undefined) ids.union(row.id, other);
      alike.set(key, row.id);
    }
  }
  const result = new Map<number, number[][]>();
  const seen = new Set<string>();
  for (const row of rows) {
    const id = ids.find(row.id);
    const members = [...new Set(Array.from(row.members, (member) => ids.find(member)))];
    if (members.length === 1 && members[0] === id) continue;
    const key = `${id}:${members.join()}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const known = result.get(id);
    if (known === undefined) result.set(id, [members]);
    else known.push(members);
  }
  nestRows(result);
  return result;
}

/** Rows (as classes) of every grid in which the choice of columns is free: the innermost axis of each index tensor with several tracked axes. */
export function gridRows(coupling: Coupling, classOf: Int32Array): number[][][] {
  const done = new Map<Int32Array, string>();
  const grids: number[][][] = [];
  const keys = new Set<string>();
  const visit = (shape: readonly number[], ids: Int32Array) => {
    const tracked = shape.filter((size) => size > 1);
    if (tracked.length < 2 || done.get(ids) === tracked.join()) return;
    done.set(ids, tracked.join());
    const width = tracked[tracked.length - 1]!;
    const rows = new Map<string, number[]>();
    for (let start = 0; start < ids.length; start += width) {
      const row = [...new Set(Array.from(ids.subarray(start, start + width), (id) => classOf[id]!))];
      rows.set(row.join(), row);
    }
    const key = [...rows.keys()].join("/");
    if (rows.size < 2 || keys.has(key) || [...rows.values()].every((row) => row.length === 1)) return;
    keys.add(key);
    grids.push([...rows.values()]);
  };
  for (const grid of coupling.grids) visit(grid.shape, grid.ids);
  for (const families of coupling.families.values()) for (const family of families) visit(family.shape, family.ids);
  return grids;
}
