import { type Graph, type ValueId, valueById } from "../ir/index.ts";
import { cellsOf, lastOnes } from "./constraints.ts";
import type { Coupling, CouplingOptions } from "./coupling.ts";
import { supportOf } from "./family.ts";
import {
  type CouplingState,
  type FrozenAxis,
  type GroupMember,
  type PruneGroup,
  type PruneGroups,
  type PruneUnit,
  sliceKey,
  type UnitSlice,
} from "./group-types.ts";
import { gridRows, settleRows } from "./rows.ts";
import { type GridIndex, gridsOfRows, indexGrids } from "./rows-in-rows.ts";
import { runCoupling } from "./run-coupling.ts";
import { type ClassSlices, classSlices } from "./slices.ts";

/** A group before its units have ids: classes with the slices of each. */
interface Draft {
  readonly kind: PruneGroup["kind"];
  readonly classes: number[];
  readonly slices: UnitSlice[][];
  readonly members: GroupMember[];
  grids: number[][][];
}

/** What can be cut from a graph, and what cannot and why. Linear in the number of tracked positions (see docs/coupling.md). */
export function findGroups(graph: Graph, options: CouplingOptions = {}): PruneGroups {
  const coupling = runCoupling(graph, options);
  const rows = settleRows(coupling);
  const classOf = new Int32Array(coupling.ids.count);
  for (let id = 0; id < classOf.length; id++) classOf[id] = coupling.ids.find(id);
  const slices = classSlices(coupling, classOf);
  const grids = gridRows(coupling, classOf);
  const blocked = blockedByGrids(coupling, grids);
  const free = (id: number) => coupling.ids.frozen(id) === undefined && !blocked.has(id);
  const channels = joinByGrids(
    channelDrafts(slices, (id) => free(id) && !rows.has(id)),
    grids,
  );
  const index = indexGrids(grids);
  const wholeRows = rowDrafts(coupling, rows, slices, channels).filter((draft) => bindRows(draft, rows, index));
  const drafts = [...channels, ...wholeRows].flatMap((draft) => {
    const cells = draft.classes.length < 2 ? null : cellsOf(draft.classes.length, indexed(draft));
    if (cells === null) for (const id of draft.classes) blocked.add(id);
    if (draft.kind === "channels" && draft.classes.length === 1) coupling.ids.freeze(draft.classes[0]!, "single-unit");
    return cells === null ? [] : [{ draft, cells }];
  });
  const last = lastUnits(coupling, classOf, rows, drafts);
  const units: PruneUnit[] = [];
  const unitClass: number[] = [];
  const names = new Map<string, number>();
  const groups = drafts.map(({ draft, cells }, id): PruneGroup => {
    const own = draft.classes.map((classId, i): PruneUnit => {
      const unit = { id: units.length, slices: draft.slices[i]! };
      unitClass.push(classId);
      units.push(unit);
      return unit;
    });
    return {
      id,
      name: uniqueName(groupName(graph, draft), names),
      kind: draft.kind,
      units: own,
      size: own.length,
      members: draft.members,
      texts: memberTexts(graph, draft),
      cells,
      lastOnes: last[id]!,
    };
  });
  return {
    groups,
    frozen: frozenAxes(coupling, classOf, blocked),
    units,
    state: { coupling, classOf, rows, unitClass },
  };
}

/** The sets of units of which one must stay, by draft. Channels and rows overlap, so each kind is looked at on its own. */
function lastUnits(
  coupling: Coupling,
  classOf: Int32Array,
  rows: CouplingState["rows"],
  drafts: readonly { readonly draft: Draft }[],
): number[][][] {
  const [channels, whole] = (["channels", "rows"] as const).map((kind) =>
    lastOnes(
      coupling,
      classOf,
      drafts.map(({ draft }) => (draft.kind === kind ? draft.classes.map((id) => expandRows(id, rows)) : [])),
    ),
  );
  return drafts.map(({ draft }, i) => (draft.kind === "channels" ? channels![i]! : whole![i]!));
}

/** Classes in a grid of which some row cannot lose any unit: columns cannot be cut at all, since every row must lose equally many. */
function blockedByGrids(coupling: Coupling, grids: readonly number[][][]): Set<number> {
  const blocked = new Set<number>();
  const stuck = (id: number) => blocked.has(id) || coupling.ids.frozen(id) !== undefined;
  for (let changed = true; changed; ) {
    changed = false;
    for (const grid of grids) {
      if (!grid.some((row) => row.every(stuck))) continue;
      for (const row of grid) {
        for (const id of row) {
          if (stuck(id)) continue;
          blocked.add(id);
          changed = true;
        }
      }
    }
  }
  return blocked;
}

function channelDrafts(all: ClassSlices, free: (id: number) => boolean): Draft[] {
  const bySignature = new Map<number, Draft>();
  for (const [id, slices] of all.slices) {
    if (!free(id)) continue;
    const signature = all.signature[id]!;
    let draft = bySignature.get(signature);
    if (draft === undefined) {
      const members = all.membersOf(signature).map((member) => all.members[member]!);
      draft = { kind: "channels", classes: [], slices: [], members, grids: [] };
      bySignature.set(signature, draft);
    }
    draft.classes.push(id);
    draft.slices.push(slices);
  }
  return [...bySignature.values()];
}

/** Groups that share a grid must lose equally many units a row: they are one group. */
function joinByGrids(drafts: readonly Draft[], grids: readonly number[][][]): Draft[] {
  const home = new Map<number, Draft>();
  for (const draft of drafts) for (const id of draft.classes) home.set(id, draft);
  const gone = new Set<Draft>();
  for (const grid of grids) {
    const involved = [...new Set(grid.flat().flatMap((id) => home.get(id) ?? []))];
    const first = involved.sort((a, b) => drafts.indexOf(a) - drafts.indexOf(b))[0];
    if (first === undefined) continue;
    for (const other of involved) {
      if (other === first) continue;
      gone.add(other);
      first.classes.push(...other.classes);
      first.slices.push(...other.slices);
      first.grids.push(...other.grids);
      for (const member of other.members) if (!first.members.includes(member)) first.members.push(member);
      for (const id of other.classes) home.set(id, first);
    }
    first.grids.push(grid);
  }
  return drafts.filter((draft) => !gone.has(draft));
}

/** Units that are whole rows. Rows with the same members' groups form a group. */
function rowDrafts(
  coupling: Coupling,
  rows: CouplingState["rows"],
  all: ClassSlices,
  channels: readonly Draft[],
): Draft[] {
  const home = new Map<number, number>();
  channels.forEach((draft, i) => {
    for (const id of draft.classes) home.set(id, i);
  });
  const memberAt = new Map(all.members.map((member) => [sliceKey(member), member]));
  const drafts = new Map<string, Draft>();
  for (const [id] of rows) {
    const classes = expandRows(id, rows);
    if (classes.some((member) => coupling.ids.frozen(member) !== undefined)) continue;
    const slices = mergeSlices(classes.flatMap((member) => all.slices.get(member) ?? []));
    if (slices.length === 0) continue;
    const homes = [...new Set(classes.map((member) => home.get(member) ?? -1))].sort((a, b) => a - b);
    const key = `${slices.map(sliceKey).join()}|${homes.join()}`;
    const members = slices.map((slice) => memberAt.get(sliceKey(slice))!);
    const draft = drafts.get(key) ?? { kind: "rows" as const, classes: [], slices: [], members, grids: [] };
    drafts.set(key, draft);
    draft.classes.push(id);
    draft.slices.push(slices);
  }
  return [...drafts.values()];
}

/** Adds the grids that a choice among whole rows must keep equal; false where no choice does. */
function bindRows(draft: Draft, rows: CouplingState["rows"], grids: GridIndex): boolean {
  const inside = draft.classes.map((id) => expandRows(id, rows));
  const bound = gridsOfRows(draft.classes, inside, grids);
  if (bound !== null) draft.grids = bound;
  return bound !== null;
}

/** A class and all classes that go with it when it stands for rows. */
export function expandRows(id: number, rows: ReadonlyMap<number, readonly (readonly number[])[]>): number[] {
  if (!rows.has(id)) return [id];
  const reached = new Set([id]);
  for (const at of reached) for (const members of rows.get(at) ?? []) for (const member of members) reached.add(member);
  return [...reached];
}

function mergeSlices(slices: readonly UnitSlice[]): UnitSlice[] {
  const merged = new Map<number, UnitSlice[]>();
  for (const slice of slices) merged.set(sliceKey(slice), [...(merged.get(sliceKey(slice)) ?? []), slice]);
  return [...merged]
    .sort(([a], [b]) => a - b)
    .map(([, parts]) => ({
      value: parts[0]!.value,
      axes: parts[0]!.axes,
      positions: [...new Set(parts.flatMap((part) => part.positions))].sort((a, b) => a - b),
    }));
}

/** A draft's grids as indices into its classes. */
function indexed(draft: Draft): number[][][] {
  const at = new Map(draft.classes.map((id, i) => [id, i]));
  return draft.grids.map((grid) => grid.map((row) => row.flatMap((id) => at.get(id) ?? [])));
}

function groupName(graph: Graph, draft: Draft): string {
  const maker = draft.members.find((member) => member.role === "out") ?? draft.members[0]!;
  const name = valueById(graph, maker.value).name;
  return draft.kind === "rows" ? `${name} rows` : name;
}

function uniqueName(name: string, taken: Map<string, number>): string {
  const count = (taken.get(name) ?? 0) + 1;
  taken.set(name, count);
  return count === 1 ? name : `${name}#${count}`;
}

/** `name[role] positions` for each member, the positions counted over all units of the group. */
function memberTexts(graph: Graph, draft: Draft): string[] {
  const place = new Map(draft.members.map((member, i) => [sliceKey(member), i]));
  const counts = new Array<number>(draft.members.length).fill(0);
  for (const slices of draft.slices) {
    slices.forEach((slice, k) => {
      // Slices mostly come in the order of the members.
      const member = draft.members[k];
      const at = member?.value === slice.value && member.axes === slice.axes ? k : place.get(sliceKey(slice));
      if (at !== undefined) counts[at]! += slice.positions.length;
    });
  }
  return draft.members.map((member, i) => {
    const role = member.role === "parameter" ? "" : `[${member.role}]`;
    return `${valueById(graph, member.value).name}${role} ${counts[i]!}`;
  });
}

/** One line a constant's axis that keeps its size, at least in part, with the first reason met. */
function frozenAxes(coupling: Coupling, classOf: Int32Array, blocked: ReadonlySet<number>): FrozenAxis[] {
  const { graph } = coupling;
  const nodeName = (index: number) => (index < 0 ? "" : graph.nodes[index]!.name);
  const result: FrozenAxis[] = [];
  const done = new Set<string>();
  const add = (value: ValueId, axis: number, reason: string, node: number) => {
    if (done.has(`${value}:${axis}`)) return;
    done.add(`${value}:${axis}`);
    result.push({ value, axis, name: valueById(graph, value).name, reason, node: nodeName(node) });
  };
  const stuck = new Uint8Array(classOf.length);
  for (let id = 0; id < stuck.length; id++)
    if (classOf[id] === id && (blocked.has(id) || coupling.ids.frozen(id) !== undefined)) stuck[id] = 1;
  for (const [value, families] of coupling.families) {
    if (!coupling.isConstant(value)) continue;
    for (const family of families) {
      const id = family.ids.find((own) => stuck[classOf[own]!] === 1);
      if (id === undefined) continue;
      const { reason, node } = coupling.ids.frozen(id) ?? { reason: "grid", node: -1 };
      add(value, supportOf(family).at(-1)!, reason, node);
    }
  }
  return result;
}
