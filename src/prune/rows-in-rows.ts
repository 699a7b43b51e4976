/** Rows (as classes) of a grid. */
type Grid = readonly (readonly number[])[];

/** The members of the rows that a class stands for. */
type Rows = Map<number, number[][]>;

/**
 * Rows that hold rows of another grid whole (a group of a convolution over two groups of the next) take them along: those that it holds
 * become one more list of its members.
 */
export function nestRows(rows: Rows): void {
  const listsAt = new Map<number, { readonly row: number; readonly size: number; readonly list: number }[]>();
  let count = 0;
  for (const [row, lists] of rows) {
    for (const members of lists) {
      const list = count++;
      for (const id of members) listsAt.set(id, [...(listsAt.get(id) ?? []), { row, size: members.length, list }]);
    }
  }
  for (const [row, lists] of rows) {
    const inside = new Set([row, ...lists.flat()]);
    for (const at of inside) for (const members of rows.get(at) ?? []) for (const id of members) inside.add(id);
    const met = new Map<number, number>();
    const held = new Set<number>();
    for (const id of inside) {
      for (const { row: other, size, list } of listsAt.get(id) ?? []) {
        const seen = (met.get(list) ?? 0) + 1;
        met.set(list, seen);
        if (seen === size && !inside.has(other)) held.add(other);
      }
    }
    if (held.size > 0) lists.push([...held]);
  }
}

/** Where a class lies in the grids of a graph. */
export interface GridIndex {
  readonly grids: readonly Grid[];
  readonly placesOf: ReadonlyMap<number, readonly { readonly grid: number; readonly row: number }[]>;
}

export function indexGrids(grids: readonly Grid[]): GridIndex {
  const placesOf = new Map<number, { readonly grid: number; readonly row: number }[]>();
  grids.forEach((rows, grid) => {
    rows.forEach((classes, row) => {
      for (const id of classes) {
        const places = placesOf.get(id);
        if (places === undefined) placesOf.set(id, [{ grid, row }]);
        else places.push({ grid, row });
      }
    });
  });
  return { grids, placesOf };
}

/**
 * The grids of other rows that a choice among row units must keep equal, as lists of units. A unit may hold rows of a grid whole, or take as much
 * from each of them: neither binds it. Units that lie inside one row each bind: every row must lose as many. Null where units cut across rows.
 * `inside` gives the classes that go with each unit.
 */
export function gridsOfRows(
  units: readonly number[],
  inside: readonly (readonly number[])[],
  { grids, placesOf }: GridIndex,
): number[][][] | null {
  const losses = inside.map((classes) => {
    const byGrid = new Map<number, number[]>();
    for (const id of classes) {
      for (const { grid, row } of placesOf.get(id) ?? []) {
        const counts = byGrid.get(grid) ?? new Array<number>(grids[grid]!.length).fill(0);
        byGrid.set(grid, counts);
        counts[row] = counts[row]! + 1;
      }
    }
    return byGrid;
  });
  const bound: number[][][] = [];
  for (const at of new Set(losses.flatMap((byGrid) => [...byGrid.keys()]))) {
    const grid = grids[at]!;
    const parts = losses.map((byGrid) => lossOf(grid, byGrid.get(at)));
    if (parts.every((part) => part === "free")) continue;
    if (parts.some((part) => typeof part === "string")) return null;
    const inRows = parts as readonly { readonly row: number; readonly count: number }[];
    const rows = grid.map((_, row) => units.filter((_, i) => inRows[i]!.row === row));
    if (inRows.some(({ count }) => count !== inRows[0]!.count)) return null;
    if (rows.some((row) => row.length !== rows[0]!.length)) return null;
    bound.push(rows);
  }
  return bound;
}

/** What a unit takes from the rows of a grid: nothing, whole rows or as much from each ("free"), a part of one row, or something else. */
function lossOf(grid: Grid, counts: readonly number[] = []): "free" | "across" | { row: number; count: number } {
  if (counts.every((count, row) => count === 0 || count === grid[row]!.length)) return "free";
  if (counts.every((count) => count === counts[0])) return "free";
  const row = counts.findIndex((count) => count > 0);
  return counts.every((count, at) => at === row || count === 0) ? { row, count: counts[row]! } : "across";
}
