import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";
import { contextOf } from "../ops/index.ts";
import { DTYPES, fromNumbers, sizeOf, type Tensor, tensor, toNumbers } from "../tensor/index.ts";

/** Visits each run of `m` elements that follow one another along an axis: the offset of the first and the step between them. */
function forEachRun(
  shape: readonly number[],
  axis: number,
  m: number,
  visit: (first: number, step: number) => void,
): void {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const size = shape[axis]!;
  for (let o = 0; o < outer; o++)
    for (let start = 0; start + m <= size; start += m)
      for (let i = 0; i < inner; i++) visit((o * size + start) * inner + i, inner);
}

function checkPattern(weight: Tensor, axis: number, n: number, m: number): void {
  const size = weight.shape[axis];
  if (size === undefined || size % m !== 0 || n < 1 || n > m)
    throw new EspalierError(
      "input",
      `A ${n}:${m} mask along axis ${axis} does not fit a weight of shape [${weight.shape.join(", ")}]`,
    );
}

/**
 * The mask (1 keeps) with, in each run of `m` elements along `axis`, the `n` largest magnitudes; ties keep the earlier. For 2:4 on NVIDIA
 * Ampere the axis is the one that is summed over: input channels of a Conv for each output channel and kernel position (the weight seen as
 * KRSC, runs along C), K of a matrix product (NVIDIA, Accelerating Inference with Sparsity Using the Ampere Architecture and TensorRT).
 */
export function maskNofM(weight: Tensor, axis: number, n = 2, m = 4): Tensor<"uint8"> {
  checkPattern(weight, axis, n, m);
  const values = toNumbers(weight);
  const keep = new Uint8Array(values.length);
  const order = Array.from({ length: m }, (_, i) => i);
  forEachRun(weight.shape, axis, m, (first, step) => {
    const magnitude = (i: number) => Math.abs(values[first + i * step]!);
    const best = [...order].sort((a, b) => magnitude(b) - magnitude(a) || a - b);
    for (let i = 0; i < n; i++) keep[first + best[i]! * step] = 1;
  });
  return tensor("uint8", weight.shape, keep);
}

/** The weight with zeros where the mask is 0. */
export function applyMask(weight: Tensor, mask: Tensor<"uint8">): Tensor {
  const values = toNumbers(weight);
  for (let i = 0; i < values.length; i++) if (mask.data[i] === 0) values[i] = 0;
  return fromNumbers(weight.dtype, weight.shape, values);
}

/** The number of runs of `m` along `axis` with more than `n` elements that are not zero: 0 means that the pattern holds. */
export function checkNofM(weight: Tensor, axis: number, n = 2, m = 4): number {
  checkPattern(weight, axis, n, m);
  const values = toNumbers(weight);
  let broken = 0;
  forEachRun(weight.shape, axis, m, (first, step) => {
    let count = 0;
    for (let i = 0; i < m; i++) if (values[first + i * step] !== 0) count++;
    if (count > n) broken++;
  });
  return broken;
}

/** A weight that can hold an N:M pattern: the node that multiplies by it and the axis that is summed over. */
export interface MaskableWeight {
  readonly node: Node;
  readonly value: ValueId;
  readonly axis: number;
  /** Elements of the contracted axis (with the kernel: the implicit K of the matrix product), and outputs. */
  readonly depth: number;
  readonly outputs: number;
}

export interface MaskThresholds {
  readonly m?: number;
  /** Least size of the contracted channel axis, of the output axis and of depth (channels x kernel); default m, 1 and m. */
  readonly channels?: number;
  readonly outputs?: number;
  readonly depth?: number;
}

/** Constant floating-point weights whose contracted axis is a multiple of `m` and that reach the target's thresholds. A weight shared by several nodes counts for the first, and only if all sum over the same axis. */
export function maskableWeights(graph: Graph, thresholds: MaskThresholds = {}): MaskableWeight[] {
  const m = thresholds.m ?? 4;
  const found = new Map<ValueId, MaskableWeight | null>();
  for (const node of graph.nodes) {
    const layout = weightLayout(graph, node);
    if (layout === null) continue;
    const value = valueById(graph, node.inputs[1]!);
    if (value.data === undefined || !DTYPES[value.data.dtype].float) continue;
    const { shape } = value.data;
    const channels = shape[layout.axis]!;
    const outputs = shape[layout.outputAxis]!;
    const depth = sizeOf(shape) / outputs;
    const fits =
      channels % m === 0 &&
      channels >= (thresholds.channels ?? m) &&
      outputs >= (thresholds.outputs ?? 1) &&
      depth >= (thresholds.depth ?? m);
    const before = found.get(value.id);
    if (before === undefined)
      found.set(value.id, fits ? { node, value: value.id, axis: layout.axis, depth, outputs } : null);
    else if (before !== null && before.axis !== layout.axis) found.set(value.id, null);
  }
  return [...found.values()].filter((weight) => weight !== null);
}

/** Axes of input 1 that are summed over and that make outputs, for the operators that sparse kernels exist for. */
function weightLayout(graph: Graph, node: Node): { axis: number; outputAxis: number } | null {
  if (node.op === "Conv") {
    const { group } = contextOf(graph, node).attrs as { readonly group: number };
    return group === 1 ? { axis: 1, outputAxis: 0 } : null;
  }
  if (node.op === "Gemm") {
    const { transB } = contextOf(graph, node).attrs as { readonly transB: number };
    return transB ? { axis: 1, outputAxis: 0 } : { axis: 0, outputAxis: 1 };
  }
  const rank = valueById(graph, node.inputs[1] ?? node.outputs[0]!).type.shape.length;
  return node.op === "MatMul" && rank === 2 ? { axis: 0, outputAxis: 1 } : null;
}
