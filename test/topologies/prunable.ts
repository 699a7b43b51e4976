import type { Graph } from "../../src/ir/index.ts";
import type { PruneGroups, UnitSlice } from "../../src/prune/index.ts";
import { DTYPES, sizeOf } from "../../src/tensor/index.ts";

/** Marks the elements of a tensor of `shape` that a slice covers. */
function cover(mask: Uint8Array, shape: readonly number[], slice: UnitSlice): void {
  const wanted = new Set(slice.positions);
  for (let at = 0; at < mask.length; at++) {
    let rest = at;
    const index = [...shape].reverse().map((size) => {
      const own = rest % size;
      rest = Math.floor(rest / size);
      return own;
    });
    index.reverse();
    if (wanted.has(slice.axes.reduce((sum, axis) => sum * shape[axis]! + index[axis]!, 0))) mask[at] = 1;
  }
}

/** Share of a graph's floating-point weight elements that some unit of some group takes along. */
export function prunableShare(graph: Graph, groups: PruneGroups): number {
  const slices = new Map<number, UnitSlice[]>();
  for (const slice of groups.units.flatMap((unit) => unit.slices))
    slices.set(slice.value, [...(slices.get(slice.value) ?? []), slice]);
  let total = 0;
  let covered = 0;
  for (const value of graph.values.values()) {
    if (value.data === undefined || !DTYPES[value.data.dtype].float || value.data.data.length < 2) continue;
    const mask = new Uint8Array(sizeOf(value.data.shape));
    const merged = new Map<string, UnitSlice>();
    for (const slice of slices.get(value.id) ?? []) {
      const key = slice.axes.join();
      merged.set(key, { ...slice, positions: [...(merged.get(key)?.positions ?? []), ...slice.positions] });
    }
    for (const slice of merged.values()) cover(mask, value.data.shape, slice);
    total += mask.length;
    covered += mask.reduce((sum, one) => sum + one, 0);
  }
  return covered / total;
}
