import { type Dim, type Shape, shapeText } from "../../ir/index.ts";
import { int64s } from "../../tensor/index.ts";
import { spellReshape } from "../simplify-reshape.ts";
import { attach, identityPerm, type Perm } from "./forms.ts";
import type { Label, LayoutRule, NodeFacts } from "./rule.ts";

/** Axes of the operand that become axes of the result, in the same order of elements; axes of size 1 are in no group. */
interface Group {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Stands for a symbol in products: a prime (2^61 - 1) that no tensor size contains. */
const symbolSize = 2305843009213693951n;

function sizeOf(dim: Dim): bigint {
  return typeof dim === "number" ? BigInt(dim) : symbolSize;
}

/** The finest groups of a reshape; null for an empty tensor. */
function groupsOf(from: Shape, to: Shape): Group[] | null {
  if (from.includes(0) || to.includes(0)) return null;
  const left = identityPerm(from.length).filter((axis) => from[axis] !== 1);
  const right = identityPerm(to.length).filter((axis) => to[axis] !== 1);
  const groups: Group[] = [];
  while (left.length > 0 && right.length > 0) {
    const group = { from: [left.shift()!], to: [right.shift()!] };
    let [a, b] = [sizeOf(from[group.from[0]!]!), sizeOf(to[group.to[0]!]!)];
    while (a !== b) {
      const axis = a < b ? left.shift() : right.shift();
      if (axis === undefined) return null;
      if (a < b) {
        group.from.push(axis);
        a *= sizeOf(from[axis]!);
      } else {
        group.to.push(axis);
        b *= sizeOf(to[axis]!);
      }
    }
    groups.push(group);
  }
  return left.length + right.length === 0 ? groups : null;
}

/** The groups in the order in which a permutation has them; null where it tears one apart. */
function orderOfGroups(groups: readonly Group[], side: "from" | "to", perm: Perm): number[] | null {
  const present = new Set(groups.flatMap((group) => group[side]));
  const axes = perm.filter((axis) => present.has(axis));
  const order: number[] = [];
  for (let at = 0; at < axes.length; ) {
    const index = groups.findIndex((group) => group[side][0] === axes[at]);
    const group = groups[index]?.[side];
    if (group?.every((axis, i) => axes[at + i] === axis) !== true) return null;
    order.push(index);
    at += group.length;
  }
  return order;
}

/**
 * Reshape, Flatten, Squeeze and Unsqueeze: an order of axes passes through when it keeps the axes together that merge or
 * that come of one split. The label is the operand's permutation followed by the result's.
 */
export function reshaping(facts: NodeFacts): LayoutRule | null {
  const from = facts.context.shape(0);
  const to = facts.outputs[0]!.shape;
  const groups = groupsOf(from, to);
  if (groups === null) return null;
  const halves = (label: Label): [Perm, Perm] => [label.slice(0, from.length), label.slice(from.length)];
  const shapes = (label: Label): [Shape, Shape] => {
    const [inner, outer] = halves(label);
    return [inner.map((axis) => from[axis]!), outer.map((axis) => to[axis]!)];
  };
  const spelled = (label: Label) => spellReshape(...shapes(label));
  const labelled = (inner: Perm | null, outer: Perm | null): Label | null => {
    const label = inner === null || outer === null ? null : [...inner, ...outer];
    return label === null || spelled(label) === null ? null : label;
  };
  const completed = (order: number[] | null, side: "from" | "to", rank: number): Perm | null =>
    order === null
      ? null
      : attach(
          order.flatMap((index) => groups[index]![side]),
          rank,
        );
  return {
    start: [...identityPerm(from.length), ...identityPerm(to.length)],
    fromInput: (i, perm) =>
      i === 0 ? labelled(perm, completed(orderOfGroups(groups, "from", perm), "to", to.length)) : null,
    fromOutput: (_, perm) => labelled(completed(orderOfGroups(groups, "to", perm), "from", from.length), perm),
    input: (label, i) => (i === 0 ? halves(label)[0] : null),
    output: (label) => halves(label)[1],
    write: (label, inputs, constant) => ({
      op: "Reshape",
      inputs: [inputs[0]!, constant("shape", int64s(spelled(label)!))],
      attrs: {},
    }),
  };
}

/** A Flatten whose readers' weights can be put in any order: it takes its operand with the axes behind the batch in any order. */
export function flattening(facts: NodeFacts): LayoutRule | null {
  const from = facts.context.shape(0);
  const to = facts.outputs[0]!.shape;
  if (to.length !== 2 || from.length < 3 || shapeText(from.slice(0, 1)) !== shapeText(to.slice(0, 1))) return null;
  return {
    start: identityPerm(from.length),
    fromInput: (i, perm) => (i === 0 && perm[0] === 0 ? perm : null),
    fromOutput: () => null,
    input: (label, i) => (i === 0 ? label : null),
    output: () => [0, 1],
    write: (_, inputs, constant) => ({
      op: "Reshape",
      inputs: [inputs[0]!, constant("shape", int64s([0, -1]))],
      attrs: {},
    }),
  };
}
