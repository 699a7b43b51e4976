import { supportOf } from "./family.ts";
import type { PruneGroups } from "./group-types.ts";
import type { FreezeReason } from "./unit-ids.ts";

/**
 * What keeps the rows of a class' grid whole: the freeze of a row, in this grid or in one that its classes share, that cannot lose any unit. `free` says
 * which classes can be cut. Null where no row is frozen: the grids themselves allow no step.
 */
export function stuckRow({ state }: PruneGroups, from: number, free: (id: number) => boolean): FreezeReason | null {
  const { coupling, classOf } = state;
  const grids = [...coupling.grids, ...[...coupling.families.values()].flat()]
    .filter((grid) => supportOf(grid).length > 1)
    .map((grid) => {
      const width = grid.shape[supportOf(grid).at(-1)!]!;
      return { width, classes: Int32Array.from(grid.ids, (id) => classOf[id]!) };
    });
  const reached = new Set([from]);
  const visited = new Set<Int32Array>();
  for (const id of reached) {
    for (const { width, classes } of grids) {
      if (visited.has(classes) || !classes.includes(id)) continue;
      visited.add(classes);
      for (let start = 0; start < classes.length; start += width) {
        const row = classes.subarray(start, start + width);
        const first = coupling.ids.frozen(row[0]!);
        if (first !== undefined && row.every((own) => coupling.ids.frozen(own) !== undefined)) return first;
      }
      for (const own of classes) if (!free(own)) reached.add(own);
    }
  }
  return null;
}
