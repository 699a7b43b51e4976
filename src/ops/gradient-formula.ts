import { type GraphBuilder, type Shape, staticShape, type ValueId } from "../ir/index.ts";
import { float32, int64s, type Tensor } from "../tensor/index.ts";
import type { GradientContext } from "./spec.ts";

/** Adds nodes whose names derive from one node, so that a gradient rule reads like the formula that it implements. */
export interface Formula {
  readonly builder: GraphBuilder;
  node(
    op: string,
    inputs: readonly (ValueId | null)[],
    attrs?: Record<string, number | string | readonly number[]>,
  ): ValueId;
  /** A float32 scalar. */
  number(value: number): ValueId;
  /** A one-dimensional int64 constant (shape, axes, pads). */
  ints(values: readonly number[]): ValueId;
  constant(data: Tensor): ValueId;
  /** The shape of a value; its batch must be bound. */
  shape(id: ValueId): number[];
  add(a: ValueId, b: ValueId): ValueId;
  sub(a: ValueId, b: ValueId): ValueId;
  mul(a: ValueId, b: ValueId): ValueId;
  div(a: ValueId, b: ValueId): ValueId;
  neg(a: ValueId): ValueId;
  reshape(a: ValueId, shape: readonly number[]): ValueId;
  transpose(a: ValueId, perm: readonly number[]): ValueId;
  /** Sum over axes; keeps them as size 1 unless told otherwise. */
  sum(a: ValueId, axes: readonly number[], keep?: boolean): ValueId;
  /** condition ? a : 0. */
  only(condition: ValueId, a: ValueId): ValueId;
  /** A float32 0/1 tensor of a bool one. */
  indicator(condition: ValueId): ValueId;
}

/** A formula whose nodes are called `${name}.<operator>`. */
export function formula(builder: GraphBuilder, name: string): Formula {
  const node: Formula["node"] = (op, inputs, attrs = {}) =>
    builder.node(op, inputs, attrs, { name: `${name}.${op.toLowerCase()}` });
  const ints = (values: readonly number[]) => builder.constant(`${name}.ints`, int64s(values));
  const number = (value: number) => builder.constant(`${name}.number`, float32([], [value]));
  return {
    builder,
    node,
    number,
    ints,
    constant: (data) => builder.constant(`${name}.constant`, data),
    shape: (id) => staticShape(builder.value(id).type.shape),
    add: (a, b) => node("Add", [a, b]),
    sub: (a, b) => node("Sub", [a, b]),
    mul: (a, b) => node("Mul", [a, b]),
    div: (a, b) => node("Div", [a, b]),
    neg: (a) => node("Neg", [a]),
    reshape: (a, shape) => node("Reshape", [a, ints(shape)]),
    transpose: (a, perm) => (perm.every((axis, i) => axis === i) ? a : node("Transpose", [a], { perm })),
    sum: (a, axes, keep = true) =>
      axes.length === 0 ? a : node("ReduceSum", [a, ints(axes)], { keepdims: keep ? 1 : 0 }),
    // A product with the indicator: ONNX Runtime's Where with a scalar takes 1.4 times as long.
    only: (condition, a) => node("Mul", [a, node("Cast", [condition], { to: 1 })]),
    indicator: (condition) => node("Cast", [condition], { to: 1 }),
  };
}

/** The formula of a node's gradient. */
export function formulaOf(c: GradientContext<unknown>): Formula {
  return formula(c.builder, `${c.node.name}.grad`);
}

/** Sums a gradient over the axes that broadcasting had stretched, so that it has the operand's shape again. */
export function unbroadcast(f: Formula, gradient: ValueId, target: Shape): ValueId {
  const from = f.shape(gradient);
  const to = staticShape(target);
  const lead = from.length - to.length;
  const axes = from.flatMap((dim, i) => (i < lead || (to[i - lead] === 1 && dim !== 1) ? [i] : []));
  const summed = f.sum(gradient, axes);
  return lead === 0 ? summed : f.reshape(summed, to);
}

/** Stretches a gradient whose reduced axes were kept as size 1 (or dropped) to the shape that was reduced. */
export function stretch(f: Formula, gradient: ValueId, target: readonly number[], axes: readonly number[]): ValueId {
  const kept = target.map((dim, i) => (axes.includes(i) ? 1 : dim));
  const own = f.shape(gradient);
  const aligned = own.length === kept.length ? gradient : f.reshape(gradient, kept);
  return f.node("Expand", [aligned, f.ints(target)]);
}
