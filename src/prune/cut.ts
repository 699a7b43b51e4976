import { EspalierError } from "../diagnostics/index.ts";
import { type ValueId, valueById } from "../ir/index.ts";
import type { Cut, PruneGroups } from "./group-types.ts";
import { expandRows } from "./groups.ts";
import { type Kept, keptOf, Survivors } from "./kept.ts";

/** A cut worked out: which ids go, and what is left of each value. */
export interface ResolvedCut {
  /** 1 for each id that goes. */
  readonly gone: Uint8Array;
  /** Values with fewer positions than before. */
  readonly kept: ReadonlyMap<ValueId, Kept>;
}

/** Works out a cut and checks it: rows of grids go as a whole with their partners, grids stay rectangular, something is left everywhere. */
export function resolveCut(groups: PruneGroups, cut: Cut): ResolvedCut {
  const { coupling, classOf } = groups.state;
  const classes = goneClasses(groups, cut);
  const gone = new Uint8Array(coupling.ids.count);
  if (classes.size > 0) for (let id = 0; id < gone.length; id++) if (classes.has(classOf[id]!)) gone[id] = 1;
  const where = (value: ValueId) => `value "${valueById(coupling.graph, value).name}"`;
  const survivors = new Survivors(gone);
  const kept = new Map<ValueId, Kept>();
  for (const [value, families] of coupling.families) {
    if (families.some((family) => survivors.touches(family)))
      kept.set(value, keptOf(families, survivors, where(value)));
  }
  for (const grid of coupling.grids) if (survivors.touches(grid)) keptOf([grid], survivors, "a grid of blocks");
  return { gone, kept };
}

/** The classes that go: those of the cut, what row units stand for, and rows of which nothing is left. */
function goneClasses(groups: PruneGroups, cut: Cut): Set<number> {
  const { rows, unitClass, coupling } = groups.state;
  const gone = new Set<number>();
  for (const unit of cut) {
    const id = unitClass[unit];
    if (id === undefined)
      throw new EspalierError("internal", `internal: the cut names unit ${unit}, the graph has ${unitClass.length}`);
    for (const member of rows.has(id) ? expandRows(id, rows) : [id]) gone.add(member);
  }
  for (let changed = gone.size > 0; changed; ) {
    changed = false;
    for (const [id, lists] of rows) {
      const empty = lists.filter((members) => members.every((member) => gone.has(member)));
      if (empty.length === 0 || gone.has(id)) continue;
      if (empty.length < lists.length || coupling.ids.frozen(id) !== undefined) {
        throw new EspalierError("input", "The cut empties a row of a grid but not the rows that go with it", {
          hint: "Cut the row itself (a unit of a group of kind rows), or keep one of its units.",
        });
      }
      gone.add(id);
      changed = true;
    }
  }
  return gone;
}
