import { consumers, type Graph, type GraphBuilder, type Node, type ValueId, valueById } from "../../ir/index.ts";
import { contextOf, editGraph } from "../../ops/index.ts";
import { DTYPES, fromNumbers, type Tensor, toNumbers } from "../../tensor/index.ts";
import type { LinearLayer } from "./linear-layer.ts";

/** Adds a number to each output of a layer, in a graph that is being edited. */
export type AddToBias = (builder: GraphBuilder, delta: Float64Array) => void;

/** The number that the layer itself adds to each of its outputs, zeros without a bias; or why it is not one number an output. */
export function biasOf(graph: Graph, layer: LinearLayer): Float64Array | string {
  const { node } = layer;
  const size = layer.groups * layer.outputs;
  const id = node.op === "MatMul" ? null : (node.inputs[2] ?? null);
  if (id === null) return new Float64Array(size);
  const { data } = valueById(graph, id);
  if (data === undefined) return "its bias is computed";
  const values = toNumbers(data);
  const beta = betaOf(graph, node);
  if (values.length === 1) return new Float64Array(size).fill(beta * values[0]!);
  const rank = valueById(graph, layer.y).type.shape.length;
  if (values.length !== size || channelAxis(data.shape, rank, layer) !== size)
    return `its addend has the shape [${data.shape.join()}], not one number an output`;
  return Float64Array.from(values, (value) => beta * value);
}

function betaOf(graph: Graph, node: Node): number {
  return node.op === "Gemm" ? (contextOf(graph, node).attrs as unknown as { readonly beta: number }).beta : 1;
}

/** The size of an addend on the axis that the layer's outputs lie on; the addend's axes are the last of the result's, but for Conv, where it has one. */
function channelAxis(shape: readonly number[], rank: number, { node, axis }: LinearLayer): number {
  if (node.op === "Conv" || node.op === "ConvTranspose") return shape[0]!;
  return shape[axis - (rank - shape.length)] ?? 1;
}

/**
 * Where a number for each output can go: the layer's own bias; the mean that the batch normalisation behind it subtracts, or a constant that is added
 * behind it, if nothing else sees the result in between; where `allowed`, a bias that the layer does not have yet (behind MatMul an Add). Null for nowhere.
 */
export function biasPlace(graph: Graph, layer: LinearLayer, allowed: boolean): AddToBias | null {
  const { node } = layer;
  if (node.op !== "MatMul" && (node.inputs[2] ?? null) !== null) return intoOwnBias(graph, layer);
  const only = onlyReader(graph, layer.y);
  const behind = only === null ? null : (intoNorm(graph, layer, only) ?? intoAddend(graph, layer, only));
  if (behind !== null || !allowed) return behind;
  return node.op === "MatMul" ? intoNewAdd(graph, layer) : intoOwnBias(graph, layer);
}

/** The one node that sees a value, if there is only one. */
function onlyReader(graph: Graph, value: ValueId): Node | null {
  const readers = consumers(graph).get(value) ?? [];
  return readers.length === 1 && !graph.outputs.includes(value) ? readers[0]! : null;
}

/** A constant with one number for each output, lying along the axis of outputs. */
function vector(graph: Graph, layer: LinearLayer, values: ArrayLike<number>): Tensor {
  const { dtype, shape } = valueById(graph, layer.y).type;
  const single = layer.node.op === "Conv" || layer.node.op === "ConvTranspose" || layer.axis === shape.length - 1;
  return fromNumbers(dtype, single ? [values.length] : [values.length, 1], Array.from(values));
}

/** The node as it is now: earlier edits may have replaced it. */
function current(builder: GraphBuilder, node: Node): Node {
  return builder.currentNodes.find(({ name }) => name === node.name)!;
}

function intoOwnBias(graph: Graph, layer: LinearLayer): AddToBias {
  return (builder, delta) => {
    const old = biasOf(graph, layer) as Float64Array;
    const values = delta.map((value, i) => value + old[i]!);
    const node = current(builder, layer.node);
    const bias = renewed(graph, builder, node.inputs[2] ?? null, `${node.name}.bias`, vector(graph, layer, values));
    const attrs = node.op === "Gemm" ? { ...node.attrs, beta: 1 } : node.attrs;
    builder.replaceNode(node, { ...node, inputs: [node.inputs[0]!, node.inputs[1]!, bias], attrs });
  };
}

function intoNorm(graph: Graph, layer: LinearLayer, norm: Node): AddToBias | null {
  const write = normStatistic(graph, layer, norm, MEAN);
  return write === null ? null : (builder, delta) => write(builder, (mean, i) => mean - delta[i]!);
}

/** Inputs of BatchNormalization. */
const [MEAN, VARIANCE] = [3, 4];

/** Writes a running statistic of the batch normalisation behind a layer; null where the node is none, or its statistics are computed. */
function normStatistic(graph: Graph, layer: LinearLayer, norm: Node, at: number) {
  const id = norm.inputs[at] ?? null;
  if (norm.op !== "BatchNormalization" || norm.inputs[0] !== layer.y || layer.axis !== 1 || id === null) return null;
  const { data, name } = valueById(graph, id);
  if (data === undefined || !DTYPES[data.dtype].float) return null;
  return (builder: GraphBuilder, change: (value: number, i: number) => number) => {
    const changed = fromNumbers(data.dtype, data.shape, toNumbers(data).map(change));
    replaceInput(builder, norm, at, renewed(graph, builder, id, name, changed));
  };
}

/** Least share of its variance that an output is taken to have: what is lost beyond is not brought back by dividing by less. */
const LEAST_SHARE = 0.05;

/**
 * The graph in which the batch normalisation behind a layer, if there is one, divides by the variance that the layer's outputs have left: the running
 * variance times `shares` of it. Least squares leaves less variance than there was, and less signal behind every layer.
 */
export function scaleVariance(graph: Graph, layer: LinearLayer, shares: readonly number[]): Graph {
  const norm = onlyReader(graph, layer.y);
  const write = norm === null ? null : normStatistic(graph, layer, norm, VARIANCE);
  if (write === null) return graph;
  const builder = editGraph(graph);
  write(builder, (variance, i) => variance * Math.max(LEAST_SHARE, shares[i]!));
  return builder.build();
}

function intoAddend(graph: Graph, layer: LinearLayer, add: Node): AddToBias | null {
  const at = add.inputs.findIndex((id) => id !== layer.y);
  if (add.op !== "Add" || at < 0) return null;
  const addend = add.inputs[at]!;
  const { data, name } = valueById(graph, addend);
  const size = layer.groups * layer.outputs;
  const { shape } = valueById(graph, layer.y).type;
  const from = shape.length - (data?.shape.length ?? 0);
  if (data === undefined || from < 0 || layer.axis < from || data.shape[layer.axis - from] !== size) return null;
  const inner = data.shape.slice(layer.axis - from + 1).reduce((a, b) => a * b, 1);
  return (builder, delta) => {
    const moved = toNumbers(data).map((value, i) => value + delta[Math.floor(i / inner) % size]!);
    const id = renewed(graph, builder, addend, name, fromNumbers(data.dtype, data.shape, moved));
    replaceInput(builder, add, at, id);
  };
}

function intoNewAdd(graph: Graph, layer: LinearLayer): AddToBias {
  return (builder, delta) => {
    const node = current(builder, layer.node);
    const product = builder.node(node.op, node.inputs, node.attrs, { name: `${node.name}.product` });
    const bias = builder.constant(`${node.name}.bias`, vector(graph, layer, delta));
    builder.replaceNode(node, { ...node, op: "Add", inputs: [product, bias], attrs: {} });
  };
}

/** A constant with other values: the same one, if one node alone reads it. */
function renewed(graph: Graph, builder: GraphBuilder, old: ValueId | null, name: string, data: Tensor): ValueId {
  const readers = old === null ? [] : (consumers(graph).get(old) ?? []);
  if (old === null || readers.length !== 1 || graph.outputs.includes(old)) return builder.constant(name, data);
  builder.setConstant(old, data);
  return old;
}

function replaceInput(builder: GraphBuilder, node: Node, at: number, by: ValueId): void {
  const now = current(builder, node);
  builder.replaceNode(now, { ...now, inputs: now.inputs.map((id, i) => (i === at ? by : id)) });
}
