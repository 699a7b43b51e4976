import { consumers, type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { float32, type Tensor, toFloat32 } from "../tensor/index.ts";

/** Two layers with nothing between them that a positive factor a channel would change: the first's outputs are the second's inputs. */
interface Pair {
  readonly first: Node;
  readonly second: Node;
}

/** A weight or bias that is being rescaled, laid out with its channels where `stride` and `size` say. */
type Arrays = Map<ValueId, Float32Array>;

/** Factors beyond this are a sign of dead channels, not of scale. */
const LARGEST_FACTOR = 1e4;
const ROUNDS = 20;
const SETTLED = 1e-3;

/**
 * Cross-layer equalisation (Nagel et al. 2019, section 4.1): moves scale between the channels of consecutive layers, so that
 * each channel has the same weight range in both, s = sqrt(range of the first / range of the second). The function stays
 * the same, as Relu and LeakyRelu pass positive factors on. It helps most where one scale serves all channels.
 */
export function equalise(graph: Graph): Graph {
  const pairs = findPairs(graph);
  if (pairs.length === 0) return graph;
  const arrays: Arrays = new Map();
  for (const { first, second } of pairs)
    for (const id of [first.inputs[1]!, first.inputs[2], second.inputs[1]!])
      if (id !== undefined && id !== null && !arrays.has(id)) arrays.set(id, toFloat32(dataOf(graph, id)).slice());
  for (let round = 0; round < ROUNDS; round++) {
    let change = 0;
    for (const pair of pairs) change = Math.max(change, balance(graph, pair, arrays));
    if (change < SETTLED) break;
  }
  const builder = editGraph(graph);
  for (const [id, values] of arrays) builder.setConstant(id, float32(dataOf(graph, id).shape, values));
  return builder.build();
}

function dataOf(graph: Graph, id: ValueId): Tensor {
  return valueById(graph, id).data!;
}

/** Rescales one pair; the answer is the largest |log factor|. */
function balance(graph: Graph, { first, second }: Pair, arrays: Arrays): number {
  const outgoing = channelBlocks(first, dataOf(graph, first.inputs[1]!), "out");
  const incoming = channelBlocks(second, dataOf(graph, second.inputs[1]!), "in");
  const a = arrays.get(first.inputs[1]!)!;
  const b = arrays.get(second.inputs[1]!)!;
  const bias = first.inputs[2] === undefined || first.inputs[2] === null ? null : arrays.get(first.inputs[2])!;
  let change = 0;
  for (let c = 0; c < outgoing.channels; c++) {
    const factor = Math.sqrt(peak(a, outgoing, c) / peak(b, incoming, c));
    if (!(factor > 1 / LARGEST_FACTOR && factor < LARGEST_FACTOR)) continue;
    scale(a, outgoing, c, 1 / factor);
    scale(b, incoming, c, factor);
    if (bias !== null) bias[c]! /= factor;
    change = Math.max(change, Math.abs(Math.log(factor)));
  }
  return change;
}

/** Elements of channel c: for each outer index, `inner` elements from (outer * channels + c) * inner on. */
interface Blocks {
  readonly channels: number;
  readonly outer: number;
  readonly inner: number;
}

function channelBlocks(node: Node, weight: Tensor, side: "in" | "out"): Blocks {
  const axis = channelAxis(node, weight, side);
  const size = (dims: readonly number[]) => dims.reduce((x, y) => x * y, 1);
  // A depthwise layer with a multiplier has several rows an input channel, next to each other.
  const channels = side === "in" && isDepthwise(node, weight) ? Number(node.attrs.group) : weight.shape[axis]!;
  return {
    channels,
    outer: size(weight.shape.slice(0, axis)),
    inner: size(weight.shape.slice(axis)) / channels,
  };
}

function channelAxis(node: Node, weight: Tensor, side: "in" | "out"): number {
  if (node.op === "Conv") return side === "out" || isDepthwise(node, weight) ? 0 : 1;
  const transposed = Number(node.attrs.transB ?? 0) === 1;
  return (side === "out") === transposed ? 0 : 1;
}

function isDepthwise(node: Node, weight: Tensor): boolean {
  return node.op === "Conv" && Number(node.attrs.group ?? 1) > 1 && weight.shape[1] === 1;
}

function peak(values: Float32Array, { channels, outer, inner }: Blocks, c: number): number {
  let largest = 0;
  for (let o = 0; o < outer; o++) {
    const from = (o * channels + c) * inner;
    for (let i = from; i < from + inner; i++) largest = Math.max(largest, Math.abs(values[i]!));
  }
  return largest;
}

function scale(values: Float32Array, { channels, outer, inner }: Blocks, c: number, factor: number): void {
  for (let o = 0; o < outer; o++) {
    const from = (o * channels + c) * inner;
    for (let i = from; i < from + inner; i++) values[i]! *= factor;
  }
}

/** Operators that give s * y for s * x with s > 0, channel by channel. */
const homogeneous: ReadonlySet<string> = new Set([
  "Relu",
  "LeakyRelu",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "Identity",
  "Dropout",
]);

function findPairs(graph: Graph): Pair[] {
  const readers = consumers(graph);
  const sole = (id: ValueId) => {
    const list = readers.get(id) ?? [];
    return list.length === 1 && !graph.outputs.includes(id) ? list[0]! : null;
  };
  const pairs: Pair[] = [];
  for (const first of graph.nodes) {
    if (!isLayer(graph, first, readers)) continue;
    let next = sole(first.outputs[0]!);
    while (next !== null && passes(graph, next)) next = sole(next.outputs[0]!);
    if (next === null || !isLayer(graph, next, readers) || next === first) continue;
    const from = channelBlocks(first, dataOf(graph, first.inputs[1]!), "out");
    const to = channelBlocks(next, dataOf(graph, next.inputs[1]!), "in");
    if (from.channels === to.channels) pairs.push({ first, second: next });
  }
  return pairs;
}

/** A flattening of 1 x 1 images keeps the channels; others mix them with positions. */
function passes(graph: Graph, node: Node): boolean {
  if (homogeneous.has(node.op)) return true;
  if (node.op !== "Flatten" && node.op !== "Reshape") return false;
  const from = valueById(graph, node.inputs[0]!).type.shape;
  const to = valueById(graph, node.outputs[0]!).type.shape;
  return to.length === 2 && from.slice(2).every((dim) => dim === 1) && from[1] === to[1];
}

/** A Conv or Gemm that owns its constants, with one channel axis a side (no groups but depthwise). */
function isLayer(graph: Graph, node: Node, readers: ReadonlyMap<ValueId, readonly Node[]>): boolean {
  if (node.op !== "Conv" && node.op !== "Gemm") return false;
  const [, weight, bias] = node.inputs;
  if (weight === undefined || weight === null) return false;
  const owned = (id: ValueId) => valueById(graph, id).data?.dtype === "float32" && readers.get(id)?.length === 1;
  if (!owned(weight) || (bias !== undefined && bias !== null && !owned(bias))) return false;
  if (node.op === "Conv") return Number(node.attrs.group ?? 1) === 1 || isDepthwise(node, dataOf(graph, weight));
  return Number(node.attrs.transA ?? 0) === 0 && hasPlainBias(graph, bias, weight, node);
}

function hasPlainBias(graph: Graph, bias: ValueId | null | undefined, weight: ValueId, node: Node): boolean {
  if (bias === undefined || bias === null) return true;
  return dataOf(graph, bias).data.length === channelBlocks(node, dataOf(graph, weight), "out").channels;
}
