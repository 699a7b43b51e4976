import { consumers, type Graph, type Node, normalAxis, producers, type ValueId, valueById } from "../../ir/index.ts";
import { contextOf, specOf } from "../../ops/index.ts";
import { permute, tensor } from "../../tensor/index.ts";
import type { Perm } from "./forms.ts";

/** A constant operand whose slices along an axis can be put in any order, if the flattened operand's columns follow. */
export interface RowOrder {
  readonly node: Node;
  readonly input: number;
  readonly axis: number;
}

const flattens = ["Reshape", "Flatten"];

/** Whether a node treats every element of input 0 alike. */
function isUniform(graph: Graph, node: Node): boolean {
  if (node.outputs.length !== 1) return false;
  const parameters = node.inputs.slice(1).every((id) => id === null || valueById(graph, id).type.shape.length === 0);
  const { kind } = specOf(node.op);
  return parameters && (kind === "elementwise" || kind === "quantization");
}

/** The weight that a matrix product of the flattened value multiplies its columns by, if its rows can be reordered. */
function rowsOf(
  graph: Graph,
  maker: ReadonlyMap<ValueId, Node>,
  readers: Readers,
  node: Node,
  id: ValueId,
): RowOrder | null {
  const weight = node.inputs[1] ?? null;
  if ((node.op !== "MatMul" && node.op !== "Gemm") || node.inputs[0] !== id || weight === null || weight === id)
    return null;
  if (node.op === "Gemm" && (node.attrs.transA ?? 0) !== 0) return null;
  const { type, data } = valueById(graph, weight);
  if (type.shape.length !== 2) return null;
  const axis = node.op === "Gemm" && node.attrs.transB === 1 ? 1 : 0;
  if (data !== undefined) return { node, input: 1, axis };
  const dequantize = maker.get(weight);
  if (dequantize?.op !== "DequantizeLinear" || readers(weight).length !== 1) return null;
  if (valueById(graph, dequantize.inputs[0]!).data === undefined) return null;
  const { attrs, ...context } = contextOf(graph, dequantize) as { attrs: { axis: number }; inputs: readonly unknown[] };
  const scale = valueById(graph, dequantize.inputs[1]!).type.shape;
  const isApart = scale.length === 0 || (scale.length === 1 && (scale[0] === 1 || normalAxis(attrs.axis, 2) !== axis));
  return isApart && context.inputs.length > 0 ? { node: dequantize, input: 0, axis } : null;
}

type Readers = (id: ValueId) => readonly Node[];

/** The weights that read a value's columns, through nodes that treat all elements alike; null when something else reads it. */
function allRows(graph: Graph, maker: ReadonlyMap<ValueId, Node>, readers: Readers, id: ValueId): RowOrder[] | null {
  const found: RowOrder[] = [];
  if (graph.outputs.includes(id) || readers(id).length === 0) return null;
  for (const node of readers(id)) {
    const rows = rowsOf(graph, maker, readers, node, id);
    const more =
      rows !== null
        ? [rows]
        : node.inputs[0] === id && isUniform(graph, node)
          ? allRows(graph, maker, readers, node.outputs[0]!)
          : null;
    if (more === null) return null;
    found.push(...more);
  }
  return found;
}

/** For each node that flattens its operand into columns of matrix products with constant weights: those weights. */
export function freeRows(graph: Graph): ReadonlyMap<Node, readonly RowOrder[]> {
  const result = new Map<Node, readonly RowOrder[]>();
  if (!graph.nodes.some((node) => flattens.includes(node.op))) return result;
  const maker = producers(graph);
  const uses = consumers(graph);
  const readers: Readers = (id) => uses.get(id) ?? [];
  for (const node of graph.nodes) {
    if (!flattens.includes(node.op)) continue;
    const from = valueById(graph, node.inputs[0]!).type.shape;
    const to = valueById(graph, node.outputs[0]!).type.shape;
    const isFlatten = to.length === 2 && from.length > 2 && from[0] === to[0];
    const isReal = from.filter((dim) => dim !== 1).length > 2;
    const rows = isFlatten && isReal ? allRows(graph, maker, readers, node.outputs[0]!) : null;
    if (rows !== null) result.set(node, rows);
  }
  return result;
}

/** Which old row stands at each new one, when the axes behind the batch are permuted before they are flattened. */
export function rowOrder(shape: readonly number[], perm: Perm): ArrayLike<number> {
  const size = shape.reduce((a, b) => a * b, 1);
  const old = tensor(
    "int32",
    shape,
    Int32Array.from({ length: size }, (_, i) => i),
  );
  return permute(
    old,
    perm.slice(1).map((axis) => axis - 1),
  ).data;
}
