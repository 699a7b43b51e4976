import { EspalierError } from "../../diagnostics/index.ts";
import { consumers, type Graph, type Node, type ValueId, valueById } from "../../ir/index.ts";
import type { Family } from "../family.ts";
import type { PruneGroup, PruneGroups } from "../group-types.ts";
import { expandRows } from "../groups.ts";
import { scoresFrom, type UnitScores } from "./unit-scores.ts";

/** A weight that reads units, and which gate multiplies each of its elements along the axes that the units lie on (-1: none). */
interface GatedWeight {
  readonly value: ValueId;
  readonly families: readonly Family[];
}

/** Where gates act: on the weights that read units, so that a gate of 0 is exactly what cutting the unit is, whatever stands before it. */
export interface GatePlan {
  readonly groups: readonly PruneGroup[];
  /** First gate of each group, parallel to `groups`; gates follow the order of the units. */
  readonly first: readonly number[];
  readonly count: number;
  readonly weights: readonly GatedWeight[];
}

/** A sum over units of some candidate: the weight that reads them, or null where none does. */
interface Reading {
  readonly node: Node;
  readonly axis: number;
  readonly value: ValueId;
  readonly weight: ValueId | null;
}

function readingsOf(graph: Graph, { state }: PruneGroups): Reading[] {
  return state.coupling.contractions.map(({ node, operands }) => {
    for (const { input, axis } of operands) {
      const value = node.inputs[input]!;
      if (valueById(graph, value).data?.dtype === "float32") return { node, axis, value, weight: value };
    }
    const { input, axis } = operands[0]!;
    return { node, axis, value: node.inputs[input]!, weight: null };
  });
}

type Owners = Map<number, [group: number, unit: number]>;

/** The group (its index) and unit of each class: the unit itself, or the row that it stands in. */
function ownersOf({ state }: PruneGroups, candidates: readonly PruneGroup[]): Owners {
  const owners = new Map<number, [number, number]>();
  candidates.forEach((group, g) => {
    group.units.forEach(({ id }, unit) => {
      const own = state.unitClass[id]!;
      for (const member of state.rows.has(own) ? expandRows(own, state.rows) : [own])
        if (!owners.has(member)) owners.set(member, [g, unit]);
    });
  });
  return owners;
}

/** Whether each reading has a weight that nothing but such readings reads. */
function ownWeights(graph: Graph, readings: readonly Reading[]): (reading: Reading) => boolean {
  const readers = consumers(graph);
  const nodes = new Map<ValueId, Set<Node>>();
  for (const { node, weight } of readings)
    if (weight !== null) nodes.set(weight, (nodes.get(weight) ?? new Set()).add(node));
  return ({ weight }) => weight !== null && (readers.get(weight) ?? []).every((node) => nodes.get(weight)!.has(node));
}

/** Indices of the candidates that gates can act on. */
function gateable(
  graph: Graph,
  { state }: PruneGroups,
  candidates: readonly PruneGroup[],
  owners: Owners,
  readings: readonly Reading[],
): number[] {
  const isOwn = ownWeights(graph, readings);
  const refused = new Set<number>();
  const seen = new Set<number>();
  for (const reading of readings) {
    const { value, axis, weight } = reading;
    const own = isOwn(reading);
    for (const family of state.coupling.known(value)) {
      if (family.shape[axis]! <= 1) continue;
      for (const id of family.ids) {
        const group = owners.get(state.classOf[id]!)?.[0];
        if (group === undefined) continue;
        if (own) seen.add(group);
        else if (weight !== null || candidates[group]!.kind !== "rows") refused.add(group);
      }
    }
  }
  return candidates.flatMap((_, g) => (seen.has(g) && !refused.has(g) ? [g] : []));
}

/** The weights of readings with the gate of each of their unit ids; `gateOf` answers -1 for an id without one. */
function gatedWeights(
  { state }: PruneGroups,
  readings: readonly Reading[],
  gateOf: (id: number) => number,
): GatedWeight[] {
  const gated = new Map<ValueId, Map<Family, Family>>();
  for (const { weight, axis } of readings) {
    if (weight === null) continue;
    for (const family of state.coupling.known(weight)) {
      const ids = family.shape[axis]! > 1 ? family.ids.map(gateOf) : new Int32Array();
      if (!ids.some((gate) => gate >= 0)) continue;
      gated.set(weight, (gated.get(weight) ?? new Map()).set(family, { shape: family.shape, ids }));
    }
  }
  return [...gated].map(([value, families]) => ({ value, families: [...families.values()] }));
}

/**
 * Plans gates for the groups of which every sum over their units has a weight, and one that nothing else reads (a tied weight cannot be scaled for one reader alone). Of
 * rows, such as attention heads, one sum with a weight is enough: what is summed inside a head stays there.
 * @throws EspalierError "unsupported" where there is no such group.
 */
export function planGates(graph: Graph, groups: PruneGroups, candidates: readonly PruneGroup[]): GatePlan {
  const { classOf } = groups.state;
  const owners = ownersOf(groups, candidates);
  const readings = readingsOf(graph, groups);
  const kept = gateable(graph, groups, candidates, owners, readings);
  if (kept.length === 0)
    throw new EspalierError(
      "unsupported",
      "No group of units is read by weights of its own, so that gates have no place",
      { where: `graph "${graph.name}"`, hint: "Choose another method, such as group-lasso." },
    );
  const first = new Map<number, number>();
  let count = 0;
  for (const g of kept) {
    first.set(g, count);
    count += candidates[g]!.size;
  }
  const gateOf = (id: number) => {
    const owner = owners.get(classOf[id]!);
    const start = owner === undefined ? undefined : first.get(owner[0]);
    return start === undefined ? -1 : start + owner![1];
  };
  return {
    groups: kept.map((g) => candidates[g]!),
    first: [...first.values()],
    count,
    weights: gatedWeights(groups, readings, gateOf),
  };
}

/** Scores of the gated units: one number a gate. */
export function gateScores(plan: GatePlan, values: ArrayLike<number>): UnitScores {
  const first = new Map(plan.groups.map(({ id }, g) => [id, plan.first[g]!]));
  return scoresFrom(plan.groups, new Set(), ({ id }, i) => values[first.get(id)! + i]);
}
