import type { Node, ValueId } from "../ir/index.ts";
import { ClassMap, type WeightSide } from "./class-paths.ts";
import { type Family, supportOf } from "./family.ts";
import { type GroupMember, type PruneGroup, type PruneGroups, sliceKey } from "./group-types.ts";
import { expandRows } from "./groups.ts";
import { stuckRow } from "./stuck-rows.ts";

/** A constant that loses positions with an axis, and the nodes that tie the two, from the axis on. */
export interface Companion {
  readonly member: GroupMember;
  /** Null where no unit of the axis is a unit of the member: both lie on one grid and must lose equally many. */
  readonly through: readonly Node[] | null;
}

/** A group that an axis lies in. */
export interface AxisGroup {
  readonly group: PruneGroup;
  /** The axes of the value that its units lie on together: the asked one, and for blocks another. */
  readonly axes: readonly number[];
  /** Units of the group that lie on the axis. */
  readonly units: number;
  readonly companions: readonly Companion[];
}

/** Why positions of an axis keep their place. */
export interface AxisFreeze {
  readonly reason: string;
  /** The node at which it happened; null for the graph's outputs, and for a grid of which nothing else is known. */
  readonly node: Node | null;
  /** From the axis on, up to the node that froze it. */
  readonly through: readonly Node[];
  readonly positions: number;
  /** For a grid: why a row that must lose as many cannot lose any, where that is known. */
  readonly row: { readonly reason: string; readonly node: Node | null } | null;
}

/** What an axis of a value is to pruning: both lists are empty where nothing is chosen along it. */
export interface AxisWhy {
  readonly axis: number;
  readonly size: number;
  readonly groups: readonly AxisGroup[];
  readonly frozen: readonly AxisFreeze[];
}

/** For every axis of a value: the groups that it lies in with all that goes along, and what fixes the rest. Axes of open size have size 0. */
export function whyAxes(groups: PruneGroups, value: ValueId): AxisWhy[] {
  const { coupling } = groups.state;
  const map = new ClassMap(groups.state);
  const homes = unitsByClass(groups);
  return coupling.shapeOf(value).map((size, axis) => {
    const families = coupling.known(value).filter((family) => family.shape[axis]! > 1);
    return {
      axis,
      size: typeof size === "number" ? size : 0,
      groups: families.flatMap((family) => groupsOn(groups, family, homes, map, value)),
      frozen: families.flatMap((family) => freezesOn(groups, family, homes, map, value)),
    };
  });
}

/** The units that take a class along, by class: one of a group of channels, and one of a group of rows for each row that it lies in. */
function unitsByClass({ groups, state }: PruneGroups): Map<number, { group: PruneGroup; unit: number }[]> {
  const homes = new Map<number, { group: PruneGroup; unit: number }[]>();
  for (const group of groups) {
    for (const { id } of group.units) {
      const own = state.unitClass[id]!;
      for (const member of group.kind === "rows" ? expandRows(own, state.rows) : [own]) {
        const list = homes.get(member);
        if (list === undefined) homes.set(member, [{ group, unit: id }]);
        else list.push({ group, unit: id });
      }
    }
  }
  return homes;
}

type Homes = ReturnType<typeof unitsByClass>;

function groupsOn(groups: PruneGroups, family: Family, homes: Homes, map: ClassMap, value: ValueId): AxisGroup[] {
  const { classOf, rows, unitClass } = groups.state;
  const found = new Map<PruneGroup, { readonly unit: number; readonly units: Set<number> }>();
  for (const id of family.ids) {
    for (const { group, unit } of homes.get(classOf[id]!) ?? []) {
      const known = found.get(group);
      if (known === undefined) found.set(group, { unit, units: new Set([unit]) });
      else known.units.add(unit);
    }
  }
  const axes = supportOf(family);
  return [...found].map(([group, { unit, units }]) => {
    const own = group.members.find((member) => member.value === value && member.axes.join() === axes.join());
    const ways = map.from(value, expandRows(unitClass[unit]!, rows), sideOf(own));
    const taken = new Set(groups.units[unit]!.slices.map(sliceKey));
    const companions = group.members
      .filter((member) => member.value !== value || member.axes.join() !== axes.join())
      .map(
        (member): Companion => ({
          member,
          through: taken.has(sliceKey(member)) ? ways.toValue(member.value, sideOf(member)) : null,
        }),
      );
    return { group, axes, units: units.size, companions };
  });
}

function sideOf(member: GroupMember | undefined): WeightSide {
  return member === undefined || member.role === "parameter" ? null : member.role;
}

/** The freezes met along a family, one a reason and node. */
function freezesOn(groups: PruneGroups, family: Family, homes: Homes, map: ClassMap, value: ValueId): AxisFreeze[] {
  const { coupling, classOf } = groups.state;
  const { nodes } = coupling.graph;
  const found = new Map<string, AxisFreeze>();
  for (const id of family.ids) {
    const own = classOf[id]!;
    if (homes.has(own)) continue;
    const { reason, node: index } = coupling.ids.frozen(id) ?? { reason: "grid", node: -1 };
    const key = `${reason} ${index}`;
    const known = found.get(key);
    if (known !== undefined) {
      found.set(key, { ...known, positions: known.positions + 1 });
      continue;
    }
    const ways = map.from(value, [own]);
    const node = index < 0 ? null : nodes[index]!;
    const output = node === null ? map.outputWith(new Set([own])) : null;
    const through = node !== null ? ways.toNode(node) : output !== null ? ways.toValue(output) : null;
    const stuck = reason === "grid" ? stuckRow(groups, own, (other) => homes.has(other)) : null;
    const row = stuck === null ? null : { reason: stuck.reason, node: nodes[stuck.node] ?? null };
    found.set(key, { reason, node, through: through ?? [], positions: 1, row });
  }
  return [...found.values()];
}
