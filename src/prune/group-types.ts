import type { ValueId } from "../ir/index.ts";
import type { Cell } from "./constraints.ts";
import type { Coupling } from "./coupling.ts";

/** Positions of one constant that go with a unit: row-major over `axes` (one axis almost always; two for the blocks of a grouped convolution). */
export interface UnitSlice {
  readonly value: ValueId;
  readonly axes: readonly number[];
  readonly positions: readonly number[];
}

/** A number for a constant and a set of its axes: equal for equal ones. */
export function sliceKey(slice: { readonly value: ValueId; readonly axes: readonly number[] }): number {
  let mask = 0;
  for (const axis of slice.axes) mask += 2 ** axis;
  return slice.value * 256 + mask;
}

/** One thing that can be cut: a class of positions that must go together. Its id is unique in the graph. */
export interface PruneUnit {
  readonly id: number;
  readonly slices: readonly UnitSlice[];
}

/** A constant that a group cuts: `out` makes the units, `in` sums over them, `parameter` scales or shifts them. */
export interface GroupMember {
  readonly value: ValueId;
  readonly axes: readonly number[];
  readonly role: "out" | "in" | "parameter";
}

/** Units that lie on the same axes of the same weights: what a budget speaks about. */
export interface PruneGroup {
  readonly id: number;
  /** Unique; after the weight that makes the units. */
  readonly name: string;
  /** `rows`: a unit is a whole row of a grid (an attention head, a group of a convolution) and overlaps units of `channels` groups. */
  readonly kind: "channels" | "rows";
  readonly units: readonly PruneUnit[];
  readonly size: number;
  readonly members: readonly GroupMember[];
  /** The members for people: `conv2_1.weight[out] 64`. */
  readonly texts: readonly string[];
  /** Where the choice is made: without grids one cell of all units; a cut takes equally many steps from each cell. */
  readonly cells: readonly Cell[];
  /** Sets of units (indices) of which at least one must stay. */
  readonly lastOnes: readonly (readonly number[])[];
}

/** An axis of a constant that is not cut, with the operator that says so. */
export interface FrozenAxis {
  readonly value: ValueId;
  readonly axis: number;
  /** Name of the constant. */
  readonly name: string;
  readonly reason: string;
  /** Name of the node at which it happened; empty for the graph's own inputs and outputs. */
  readonly node: string;
}

/** What can be cut from a graph. `coupling` is the working state that cutting and explaining need. */
export interface PruneGroups {
  readonly groups: readonly PruneGroup[];
  readonly frozen: readonly FrozenAxis[];
  /** Unit by id. */
  readonly units: readonly PruneUnit[];
  readonly state: CouplingState;
}

export interface CouplingState {
  readonly coupling: Coupling;
  /** The class (its root id) of every id. */
  readonly classOf: Int32Array;
  /** The class of each unit. */
  readonly unitClass: readonly number[];
  /** For classes that stand for rows: the classes of the members of each row. */
  readonly rows: ReadonlyMap<number, readonly (readonly number[])[]>;
}

/** A cut: the ids of the units that go. */
export type Cut = ReadonlySet<number>;
