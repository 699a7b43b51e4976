import type { ValueId } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";
import { supportOf } from "./family.ts";
import { type GroupMember, sliceKey, type UnitSlice } from "./group-types.ts";

/** The slices of every class and a number that is equal for classes on the same axes of the same constants. */
export interface ClassSlices {
  /** By class, for classes that lie on a constant, in the order in which they are met. */
  readonly slices: ReadonlyMap<number, UnitSlice[]>;
  /** By class; -1 for those that lie on no constant. */
  readonly signature: Int32Array;
  readonly members: readonly GroupMember[];
  /** Member indices of a signature, in order. */
  readonly membersOf: (signature: number) => readonly number[];
}

/** Walks the families of all constants once. */
export function classSlices(coupling: Coupling, classOf: Int32Array): ClassSlices {
  const slices = new Map<number, UnitSlice[]>();
  const signature = new Int32Array(classOf.length).fill(-1);
  const signatures = new Signatures();
  const members: GroupMember[] = [];
  const memberOf = new Map<number, number>();
  const role = roles(coupling);
  // Positions by class in the family at hand; emptied after each.
  const positionsOf = new Array<number[] | undefined>(classOf.length);
  for (const [value, families] of coupling.families) {
    if (!coupling.isConstant(value)) continue;
    for (const family of families) {
      const axes = supportOf(family);
      const key = sliceKey({ value, axes });
      let member = memberOf.get(key);
      const merge = member !== undefined;
      if (member === undefined) {
        member = members.push({ value, axes, role: role(value, axes) }) - 1;
        memberOf.set(key, member);
      }
      const met: number[] = [];
      for (let i = 0; i < family.ids.length; i++) {
        const id = classOf[family.ids[i]!]!;
        const positions = positionsOf[id];
        if (positions === undefined) {
          positionsOf[id] = [i];
          met.push(id);
        } else positions.push(i);
      }
      for (const id of met) {
        const slice = { value, axes, positions: positionsOf[id]! };
        positionsOf[id] = undefined;
        const own = slices.get(id);
        if (own === undefined) slices.set(id, [slice]);
        else if (merge && mergeInto(own, slice, key)) continue;
        else own.push(slice);
        signature[id] = signatures.next(signature[id]!, member);
      }
    }
  }
  return { slices, signature, members, membersOf: (at) => signatures.membersOf(at) };
}

/** Two families may lie on the same axes of a constant: their positions become one slice. */
function mergeInto(own: UnitSlice[], slice: UnitSlice, key: number): boolean {
  const at = own.findIndex((other) => sliceKey(other) === key);
  if (at < 0) return false;
  const positions = [...new Set([...own[at]!.positions, ...slice.positions])].sort((a, b) => a - b);
  own[at] = { ...slice, positions };
  return true;
}

/** Numbers for sequences of members: a sequence is the one before it and its last member. */
class Signatures {
  readonly #known = new Map<number, number>();
  readonly #trail: { readonly parent: number; readonly member: number }[] = [];

  next(parent: number, member: number): number {
    const step = (parent + 1) * 2 ** 20 + member;
    const known = this.#known.get(step);
    if (known !== undefined) return known;
    const made = this.#trail.push({ parent, member }) - 1;
    this.#known.set(step, made);
    return made;
  }

  membersOf(signature: number): number[] {
    const members: number[] = [];
    for (let at = signature; at >= 0; at = this.#trail[at]!.parent) members.unshift(this.#trail[at]!.member);
    return members;
  }
}

/** What a constant is to the units on some of its axes. */
function roles(coupling: Coupling): (value: ValueId, axes: readonly number[]) => GroupMember["role"] {
  const contracted = new Set<number>();
  const multiplied = new Set<ValueId>();
  for (const { node, operands } of coupling.contractions) {
    for (const { input, axis } of operands) {
      const value = node.inputs[input]!;
      multiplied.add(value);
      contracted.add(sliceKey({ value, axes: [axis] }));
      // The input columns of a block weight lie on its first two axes together, those of a recurrent weight on directions and columns.
      contracted.add(sliceKey({ value, axes: [0, Math.max(1, axis)] }));
    }
  }
  return (value, axes) => {
    const extent = coupling.shapeOf(value).filter((size) => size !== 1).length;
    if (extent < 2 && !multiplied.has(value)) return "parameter";
    return contracted.has(sliceKey({ value, axes })) ? "in" : "out";
  };
}
