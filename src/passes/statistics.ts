import { type Node, shapeText, type ValueId } from "../ir/index.ts";
import { reducedAxes } from "../ops/index.ts";
import type { GraphView } from "../rewrite/index.ts";
import { bare, besideNumber, constantNumber, isClose, multiplesOf } from "./expression.ts";

/** Something of x over its axes from one on. */
export interface Statistic {
  readonly x: ValueId;
  readonly axis: number;
}

/** The axis from which on a reduction takes all axes (axes of size 1 may be in it or not); null when it takes others. */
function tailFrom(view: GraphView, node: Node): number | null {
  const context = view.context(node) as unknown as Parameters<typeof reducedAxes>[0];
  const shape = context.shape(0);
  const axes = reducedAxes(context).filter((axis) => shape[axis] !== 1);
  const first = axes[0];
  if (first === undefined) return null;
  return shape.every((dim, i) => i < first || dim === 1 || axes.includes(i)) ? first : null;
}

/** The mean of x over its last axes: ReduceMean, or ReduceSum divided by the count. */
export function meanFrom(view: GraphView, id: ValueId | null | undefined): Statistic | null {
  if (id === null || id === undefined) return null;
  for (const { number, value } of multiplesOf(view, bare(view, id))) {
    const node = view.producer(bare(view, value));
    const axis = node?.op === "ReduceMean" || node?.op === "ReduceSum" ? tailFrom(view, node) : null;
    if (node === null || axis === null) continue;
    const x = node.inputs[0]!;
    const sizes = view.type(x).shape.slice(axis);
    const count = sizes.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : Number.NaN), 1);
    if (isClose(number, node.op === "ReduceMean" ? 1 : 1 / count)) return { x, axis };
  }
  return null;
}

/** Whether a value has one number for each slice of x, where x can be combined with it. */
export function isKept(view: GraphView, id: ValueId, { x, axis }: Statistic): boolean {
  const kept = view.type(x).shape.map((dim, i) => (i >= axis ? 1 : dim));
  return shapeText(view.type(id).shape) === shapeText(kept);
}

/** x less its mean over the last axes. */
export function centredFrom(view: GraphView, id: ValueId | null | undefined): Statistic | null {
  const node = view.producer(id);
  const mean = node?.op === "Sub" ? meanFrom(view, node.inputs[1]) : null;
  return mean !== null && mean.x === node!.inputs[0] && isKept(view, node!.inputs[1]!, mean) ? mean : null;
}

function squareOf(view: GraphView, id: ValueId | null | undefined): ValueId | null {
  const node = view.producer(id);
  if (node?.op === "Mul") return node.inputs[0] === node.inputs[1] ? node.inputs[0]! : null;
  return node?.op === "Pow" && constantNumber(view, node.inputs[1]) === 2 ? node.inputs[0]! : null;
}

export interface Spread extends Statistic {
  readonly epsilon: number;
}

/** A value before it is bounded below by 0. */
function unbounded(view: GraphView, id: ValueId): ValueId {
  const node = view.producer(bare(view, id));
  if (node?.op === "Relu") return node.inputs[0]!;
  const operands = node?.op === "Max" ? besideNumber(view, node) : null;
  return operands?.number === 0 ? operands.x : id;
}

/** The variance of x: the mean of (x - mean)^2, or the mean of x^2 less mean^2 (bounded below by 0, or not). */
function varianceOf(view: GraphView, id: ValueId): Statistic | null {
  const mean = meanFrom(view, id);
  if (mean !== null) {
    const centred = centredFrom(view, squareOf(view, mean.x));
    return centred?.axis === mean.axis ? centred : null;
  }
  const node = view.producer(bare(view, unbounded(view, id)));
  if (node?.op !== "Sub") return null;
  const squares = meanFrom(view, node.inputs[0]);
  const squaredMean = meanFrom(view, squareOf(view, bare(view, node.inputs[1]!)));
  const isVariance = squares !== null && squaredMean !== null && squareOf(view, squares.x) === squaredMean.x;
  return isVariance && squares.axis === squaredMean.axis ? squaredMean : null;
}

/** What a node raises to which power: Sqrt, Reciprocal, Pow by half, and 1 divided by something; null for others. */
function rootOf(view: GraphView, node: Node | null): { base: ValueId; power: number } | null {
  if (node?.op === "Sqrt") return { base: node.inputs[0]!, power: 0.5 };
  if (node?.op === "Reciprocal") return { base: node.inputs[0]!, power: -1 };
  const exponent = node?.op === "Pow" ? constantNumber(view, node.inputs[1]) : null;
  if (exponent !== null && Math.abs(exponent) === 0.5) return { base: node!.inputs[0]!, power: exponent };
  return node?.op === "Div" && constantNumber(view, node.inputs[0]) === 1 ? { base: node.inputs[1]!, power: -1 } : null;
}

/** What a value is a power of, and the power. */
function powerOf(view: GraphView, id: ValueId): { base: ValueId; power: number } {
  let found = { base: bare(view, id), power: 1 };
  for (;;) {
    const root = rootOf(view, view.producer(found.base));
    if (root === null) return found;
    found = { base: bare(view, root.base), power: found.power * root.power };
  }
}

/** sqrt(var(x) + epsilon), or its inverse when the power is -0.5. */
export function deviationFrom(view: GraphView, id: ValueId, power: 0.5 | -0.5): Spread | null {
  const found = powerOf(view, id);
  const node = found.power === power ? view.producer(found.base) : null;
  const operands = node?.op === "Add" ? besideNumber(view, node) : null;
  const variance = operands === null || operands.number <= 0 ? null : varianceOf(view, operands.x);
  return variance === null ? null : { ...variance, epsilon: operands!.number };
}
