import { EspalierError } from "../diagnostics/index.ts";
import { type ValueId, valueById } from "../ir/index.ts";
import type { PruneGroups } from "./group-types.ts";

/** A position on an axis of a constant. */
export interface Place {
  readonly value: ValueId;
  readonly axis: number;
  readonly position: number;
}

/** Why an axis keeps its size, and through which nodes. */
export interface Freeze {
  readonly reason: string;
  /** Name of the node that froze it; empty for the graph's outputs. */
  readonly node: string;
  /** Names of the nodes through which it reaches the place that was asked about, that place first. */
  readonly through: readonly string[];
}

/** The nodes that tie two places together, in order from the first; null when they can be cut apart. */
export function whyTogether(groups: PruneGroups, a: Place, b: Place): string[] | null {
  const [from, to] = [idAt(groups, a), idAt(groups, b)];
  const { classOf } = groups.state;
  if (classOf[from] !== classOf[to]) return null;
  return chain(groups, from, to);
}

/** Why a place keeps its size; null when it can be cut. */
export function whyFrozen(groups: PruneGroups, place: Place): Freeze | null {
  const { coupling } = groups.state;
  const id = idAt(groups, place);
  const frozen = coupling.ids.frozen(id);
  if (frozen === undefined) return null;
  return { reason: frozen.reason, node: nodeName(groups, frozen.node), through: chain(groups, id, frozen.id) };
}

function nodeName(groups: PruneGroups, index: number): string {
  return index < 0 ? "" : groups.state.coupling.graph.nodes[index]!.name;
}

function idAt(groups: PruneGroups, place: Place): number {
  const { coupling } = groups.state;
  const family = coupling
    .known(place.value)
    .find((f) => f.shape.every((size, axis) => (axis === place.axis ? size > 1 : size === 1)));
  const id = family?.ids[place.position];
  if (id === undefined) {
    throw new EspalierError(
      "usage",
      `Axis ${place.axis} of "${valueById(coupling.graph, place.value).name}" has no unit at position ${place.position}`,
    );
  }
  return id;
}

/** The way between two ids of a class in the forest of unions, as the names of the nodes that made them, repeats left out. */
function chain(groups: PruneGroups, from: number, to: number): string[] {
  const { edges } = groups.state.coupling.ids;
  const neighbours = new Map<number, { readonly to: number; readonly node: number }[]>();
  const add = (a: number, b: number, node: number) => {
    const list = neighbours.get(a);
    if (list === undefined) neighbours.set(a, [{ to: b, node }]);
    else list.push({ to: b, node });
  };
  for (const edge of edges) {
    add(edge.a, edge.b, edge.node);
    add(edge.b, edge.a, edge.node);
  }
  const cameFrom = new Map<number, { readonly id: number; readonly node: number }>([[from, { id: -1, node: -1 }]]);
  for (const [id] of cameFrom) {
    if (id === to) break;
    for (const next of neighbours.get(id) ?? [])
      if (!cameFrom.has(next.to)) cameFrom.set(next.to, { id, node: next.node });
  }
  const nodes: string[] = [];
  for (let at = cameFrom.get(to); at !== undefined && at.id >= 0; at = cameFrom.get(at.id)) {
    const name = nodeName(groups, at.node);
    if (nodes[0] !== name) nodes.unshift(name);
  }
  return nodes;
}
