import { type Graph, valueById } from "../../src/ir/index.ts";
import { cutOf, cutShapes, keepCounts, type PruneGroup, type PruneGroups, selectUnits } from "../../src/prune/index.ts";
import { totalMacs } from "../../targets/index.ts";
import { parameterFacts } from "../inspect/graph-facts.ts";

/** A weight that a group cuts. */
export interface MemberFact {
  readonly weight: string;
  readonly axes: readonly number[];
  /** `out` makes the units, `in` sums over them, `parameter` scales or shifts them. */
  readonly role: "out" | "in" | "parameter";
  /** Positions on these axes that the group's units hold. */
  readonly positions: number;
}

/** A group and what it controls: the difference between the whole model and the model with only this group cut to the least that must stay. */
export interface GroupFact {
  readonly name: string;
  readonly kind: PruneGroup["kind"];
  readonly units: number;
  /** Fewest units that a cut leaves. */
  readonly least: number;
  readonly members: readonly MemberFact[];
  readonly macs: number;
  readonly parameters: number;
  readonly bytes: number;
}

/** Every group of a graph, in the order of the weights that make their units. */
export function groupFacts(graph: Graph, groups: PruneGroups): GroupFact[] {
  const whole = { ...parameterFacts(graph), macs: totalMacs(graph) };
  return groups.groups.map((group): GroupFact => {
    const least = keepCounts(group)[0]!;
    const scores = new Float64Array(group.size);
    const small = cutShapes(graph, groups, cutOf(group, selectUnits(group, scores, least)));
    const left = parameterFacts(small);
    return {
      name: group.name,
      kind: group.kind,
      units: group.size,
      least,
      members: memberFacts(graph, group),
      macs: whole.macs - totalMacs(small),
      parameters: whole.count - left.count,
      bytes: whole.bytes - left.bytes,
    };
  });
}

function memberFacts(graph: Graph, { members, units }: PruneGroup): MemberFact[] {
  const key = ({ value, axes }: { readonly value: number; readonly axes: readonly number[] }) => `${value}:${axes}`;
  const counts = new Map<string, number>();
  for (const slice of units.flatMap(({ slices }) => slices))
    counts.set(key(slice), (counts.get(key(slice)) ?? 0) + slice.positions.length);
  return members.map((member) => ({
    weight: valueById(graph, member.value).name,
    axes: member.axes,
    role: member.role,
    positions: counts.get(key(member)) ?? 0,
  }));
}
