import type { ValueId } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";
import { supportOf } from "./family.ts";
import type { GroupMember, UnitSlice } from "./group-types.ts";

/** The slices of every class and a number that is equal for classes on the same axes of the same constants. */
export interface ClassSlices {
  readonly slices: ReadonlyMap<number, UnitSlice[]>;
  readonly signature: ReadonlyMap<number, number>;
  readonly members: readonly GroupMember[];
  /** Member indices of a signature, in order. */
  readonly membersOf: (signature: number) => readonly number[];
}

/** Walks the families of all constants once; classes keep the order in which they are met. */
export function classSlices(coupling: Coupling, classOf: Int32Array): ClassSlices {
  const slices = new Map<number, UnitSlice[]>();
  const signature = new Map<number, number>();
  const interned = new Map<number, number>();
  const trail: { parent: number; member: number }[] = [];
  const members: GroupMember[] = [];
  const memberOf = new Map<string, number>();
  const role = roles(coupling);
  const wide = 1 << 20;
  for (const [value, families] of coupling.families) {
    if (!coupling.isConstant(value)) continue;
    for (const family of families) {
      const axes = supportOf(family);
      const key = `${value}:${axes.join()}`;
      let member = memberOf.get(key);
      const merge = member !== undefined;
      if (member === undefined) {
        member = members.push({ value, axes, role: role(value, axes) }) - 1;
        memberOf.set(key, member);
      }
      for (const [id, positions] of byClass(family.ids, classOf)) {
        const own = slices.get(id) ?? [];
        if (own.length === 0) slices.set(id, own);
        const before = merge ? own.findIndex((s) => s.value === value && s.axes.join() === axes.join()) : -1;
        if (before >= 0) {
          const both = [...new Set([...own[before]!.positions, ...positions])].sort((a, b) => a - b);
          own[before] = { value, axes, positions: both };
          continue;
        }
        own.push({ value, axes, positions });
        const step = (signature.get(id) ?? -1) * wide + member;
        let next = interned.get(step);
        if (next === undefined) {
          next = trail.push({ parent: signature.get(id) ?? -1, member }) - 1;
          interned.set(step, next);
        }
        signature.set(id, next);
      }
    }
  }
  const membersOf = (at: number): number[] => (at < 0 ? [] : [...membersOf(trail[at]!.parent), trail[at]!.member]);
  return { slices, signature, members, membersOf };
}

/** Positions of each class in an index tensor, classes in order of first appearance. */
export function byClass(ids: Int32Array, classOf: Int32Array): Map<number, number[]> {
  const map = new Map<number, number[]>();
  for (let i = 0; i < ids.length; i++) {
    const id = classOf[ids[i]!]!;
    const positions = map.get(id);
    if (positions === undefined) map.set(id, [i]);
    else positions.push(i);
  }
  return map;
}

/** What a constant is to the units on some of its axes. */
function roles(coupling: Coupling): (value: ValueId, axes: readonly number[]) => GroupMember["role"] {
  const contracted = new Set<string>();
  const contractedRows = new Set<string>();
  for (const { node, operands } of coupling.contractions) {
    for (const { input, axis } of operands) {
      contracted.add(`${node.inputs[input]}:${axis}`);
      contractedRows.add(`${node.inputs[input]}:0,1`);
    }
  }
  return (value, axes) => {
    if (coupling.shapeOf(value).filter((size) => size !== 1).length < 2 && coupling.shapeOf(value).length < 2)
      return "parameter";
    const key = `${value}:${axes.join()}`;
    return contracted.has(key) || (axes.length > 1 && contractedRows.has(key)) ? "in" : "out";
  };
}
