import type { Graph, ValueId } from "../../src/ir/index.ts";
import type { PruneGroups, PruneUnit } from "../../src/prune/index.ts";
import { parameterValues } from "../inspect/graph-facts.ts";

/** Numbers of a graph's weights, and how many of them some unit of some group takes along. */
export interface Coverage {
  readonly count: number;
  readonly bytes: number;
  readonly prunable: number;
}

/** Which elements of which weights the units of a graph's groups hold. */
export function coverageOf(graph: Graph, groups: PruneGroups): Coverage {
  const marks = marksOf(groups.units);
  let [count, bytes, prunable] = [0, 0, 0];
  for (const { id, data } of parameterValues(graph)) {
    count += data!.data.length;
    bytes += data!.data.byteLength;
    prunable += covered(data!.shape, [...(marks.get(id)?.values() ?? [])]);
  }
  return { count, bytes, prunable };
}

/** Positions, row-major over `axes`, that some unit holds. */
interface Marks {
  readonly axes: readonly number[];
  readonly positions: Set<number>;
}

function marksOf(units: readonly PruneUnit[]): Map<ValueId, Map<string, Marks>> {
  const marks = new Map<ValueId, Map<string, Marks>>();
  for (const { value, axes, positions } of units.flatMap(({ slices }) => slices)) {
    const own = marks.get(value) ?? new Map<string, Marks>();
    marks.set(value, own);
    const known = own.get(axes.join()) ?? { axes, positions: new Set<number>() };
    own.set(axes.join(), known);
    for (const position of positions) known.positions.add(position);
  }
  return marks;
}

/** Elements of a tensor that lie on a marked position of any of the sets of axes. */
function covered(shape: readonly number[], marks: readonly Marks[]): number {
  const total = shape.reduce((a, b) => a * b, 1);
  const axes = [...new Set(marks.flatMap((mark) => mark.axes))].sort((a, b) => a - b);
  const places = axes.reduce((product, axis) => product * shape[axis]!, 1);
  // Where each set has an axis of its own, what is free on all of them is a box.
  const apart = marks.every((mark) => mark.axes.length === 1) && marks.length === axes.length;
  const free = apart
    ? marks.reduce((product, { axes: [axis], positions }) => product * (shape[axis!]! - positions.size), 1)
    : freePlaces(shape, axes, places, marks);
  return total - free * (total / places);
}

/** Positions, row-major over `axes`, that no set of marks holds. */
function freePlaces(
  shape: readonly number[],
  axes: readonly number[],
  places: number,
  marks: readonly Marks[],
): number {
  const index = new Array<number>(shape.length).fill(0);
  let free = 0;
  for (let at = 0; at < places; at++) {
    let rest = at;
    for (let i = axes.length - 1; i >= 0; i--) {
      const size = shape[axes[i]!]!;
      index[axes[i]!] = rest % size;
      rest = Math.floor(rest / size);
    }
    const held = marks.some((mark) =>
      mark.positions.has(mark.axes.reduce((sum, axis) => sum * shape[axis]! + index[axis]!, 0)),
    );
    if (!held) free++;
  }
  return free;
}
