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
  const lists = new Array<UnitSlice[] | undefined>(classOf.length);
  const met: number[] = [];
  const signature = new Int32Array(classOf.length).fill(-1);
  const signatures = new Signatures();
  const members: GroupMember[] = [];
  const memberOf = new Map<number, number>();
  const role = roles(coupling);
  const places = new Places(classOf);
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
      places.collect(family.ids, (id, positions) => {
        const slice = { value, axes, positions };
        const own = lists[id];
        if (own === undefined) {
          lists[id] = [slice];
          met.push(id);
        } else if (merge && mergeInto(own, slice, key)) return;
        else own.push(slice);
        signature[id] = signatures.next(signature[id]!, member);
      });
    }
  }
  const slices = new Map(met.map((id) => [id, lists[id]!]));
  return { slices, signature, members, membersOf: (at) => signatures.membersOf(at) };
}

/** The positions of each class in one index tensor after the other. Lists of one position, which most are, are made once and shared. */
class Places {
  readonly #classOf: Int32Array;
  /** By class: one more than its place among the classes met, 0 for those that are not met yet. */
  readonly #seen: Int32Array;
  readonly #single: (readonly number[])[] = [];

  constructor(classOf: Int32Array) {
    this.#classOf = classOf;
    this.#seen = new Int32Array(classOf.length);
  }

  /** Gives each class of `ids` with its positions, in the order in which they are met. */
  collect(ids: Int32Array, take: (id: number, positions: readonly number[]) => void): void {
    const met: number[] = [];
    const first: number[] = [];
    const several = new Map<number, number[]>();
    for (let i = 0; i < ids.length; i++) {
      const id = this.#classOf[ids[i]!]!;
      const seen = this.#seen[id]!;
      if (seen === 0) {
        this.#seen[id] = met.push(id);
        first.push(i);
        continue;
      }
      const list = several.get(id);
      if (list === undefined) several.set(id, [first[seen - 1]!, i]);
      else list.push(i);
    }
    for (let k = 0; k < met.length; k++) {
      const id = met[k]!;
      this.#seen[id] = 0;
      take(id, several.get(id) ?? this.#at(first[k]!));
    }
  }

  #at(position: number): readonly number[] {
    let list = this.#single[position];
    if (list === undefined) {
      list = [position];
      this.#single[position] = list;
    }
    return list;
  }
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
  /** The last step and where it led: classes that follow one another take the same. */
  #last = { step: -1, made: -1 };

  next(parent: number, member: number): number {
    const step = (parent + 1) * 2 ** 20 + member;
    if (this.#last.step === step) return this.#last.made;
    let made = this.#known.get(step);
    if (made === undefined) {
      made = this.#trail.push({ parent, member }) - 1;
      this.#known.set(step, made);
    }
    this.#last = { step, made };
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
  // A quantised weight takes part as the numbers that it stands for.
  const stored = new Map<ValueId, ValueId>();
  for (const { op, inputs, outputs } of coupling.graph.nodes)
    if (op === "DequantizeLinear" && coupling.isConstant(inputs[0]!)) stored.set(outputs[0]!, inputs[0]!);
  for (const { node, operands } of coupling.contractions) {
    for (const { input, axis } of operands) {
      const operand = node.inputs[input]!;
      const value = stored.get(operand) ?? operand;
      multiplied.add(value);
      contracted.add(sliceKey({ value, axes: [axis] }));
      // The input columns of a block weight lie on its first two axes together, those of a recurrent weight on directions and columns.
      if (axis > 0) contracted.add(sliceKey({ value, axes: [0, axis] }));
    }
  }
  return (value, axes) => {
    const extent = coupling.shapeOf(value).filter((size) => size !== 1).length;
    if (extent < 2 && !multiplied.has(value)) return "parameter";
    return contracted.has(sliceKey({ value, axes })) ? "in" : "out";
  };
}
