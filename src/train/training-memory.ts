import { type LiveInterval, planPeakActivations } from "../cost/index.ts";
import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type Node, producers, staticShape, type ValueId, valueById } from "../ir/index.ts";
import { OPS } from "../ops/index.ts";
import { DTYPES, sizeOf } from "../tensor/index.ts";
import type { TrainingGraph, TrainingGraphOptions } from "./training-graph.ts";
import { trainingGraph } from "./training-graph.ts";

/** What a training step needs besides the process itself, in bytes. */
export interface TrainingMemory {
  /** Weights, running statistics and optimiser state, each in the two buffers that change roles. */
  readonly state: number;
  /** Samples, targets and constants. */
  readonly inputs: number;
  /** The most that activations and gradients take at one moment of the step. */
  readonly activations: number;
  readonly total: number;
}

/** Operators whose output is their first input under another shape: ONNX Runtime copies nothing. */
const VIEWS = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"]);
/** Kinds of operators whose kernels may write over an input that nobody else reads. */
const IN_PLACE = new Set(["elementwise", "activation"]);

function bytesOfValue(graph: Graph, id: ValueId): number {
  const { dtype, shape } = valueById(graph, id).type;
  return sizeOf(staticShape(shape)) * DTYPES[dtype].bytes;
}

/**
 * The order in which ONNX Runtime runs the nodes: depth first from the last node whose outputs nobody reads, later inputs first (graph_viewer.cc). Its fusions
 * change little of it.
 */
export function executionOrder(graph: Graph): Node[] {
  const makers = producers(graph);
  const place = new Map(graph.nodes.map((node, i) => [node, i]));
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack = graph.nodes
    .filter(({ outputs }) => !outputs.some((id) => read.has(id)))
    .map((node) => ({ node, done: false }));
  while (stack.length > 0) {
    const { node, done } = stack.pop()!;
    if (done) {
      order.push(node);
      continue;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, done: true });
    const needed = new Set(node.inputs.flatMap((id) => (id === null ? [] : (makers.get(id) ?? []))));
    for (const before of [...needed].sort((a, b) => place.get(a)! - place.get(b)!))
      if (!seen.has(before)) stack.push({ node: before, done: false });
  }
  return order;
}

/** When each buffer of a graph is alive, in steps of its execution order; inputs, constants and outputs have buffers of their own. */
function intervalsOf(graph: Graph): LiveInterval[] {
  const order = executionOrder(graph);
  const outside = new Set<ValueId>([...graph.inputs, ...graph.outputs]);
  for (const { id, data } of graph.values.values()) if (data !== undefined) outside.add(id);
  const last = new Map<ValueId, number>();
  order.forEach(({ inputs }, step) => {
    for (const id of inputs) if (id !== null) last.set(id, step);
  });
  /** The buffer that a value lies in, by the value that it was made for. */
  const buffer = new Map<ValueId, ValueId>();
  const first = new Map<ValueId, number>();
  const end = new Map<ValueId, number>();
  const size = new Map<ValueId, number>();
  order.forEach((node, step) => {
    const source = node.inputs[0] ?? null;
    for (const id of node.outputs) {
      if (outside.has(id)) continue;
      const bytes = bytesOfValue(graph, id);
      const reused = VIEWS.has(node.op)
        ? source !== null && !outside.has(source) ? buffer.get(source) : undefined
        : overwritten(node, step, bytes);
      const own = reused ?? id;
      buffer.set(id, own);
      if (reused === undefined) {
        first.set(id, step);
        size.set(id, bytes);
      }
      end.set(own, Math.max(end.get(own) ?? step, last.get(id) ?? step));
    }
  });
  function overwritten(node: Node, step: number, bytes: number): ValueId | undefined {
    if (!IN_PLACE.has(OPS[node.op as keyof typeof OPS].kind)) return undefined;
    for (const id of node.inputs) {
      const held = id === null ? undefined : buffer.get(id);
      if (held !== undefined && end.get(held) === step && size.get(held) === bytes) return held;
    }
    return undefined;
  }
  return [...first].map(([id, start]) => ({ bytes: size.get(id)!, first: start, last: end.get(id)! }));
}

/** Memory of a training step. ONNX Runtime's own workspaces, code and fragmentation come on top. */
export function memoryOf(training: TrainingGraph): TrainingMemory {
  const graphs = training.update === null ? [training.graph] : [training.graph, training.update];
  const state = 2 * training.state.reduce((sum, { initial }) => sum + initial.data.byteLength, 0);
  const known = new Set(training.state.map(({ input }) => input));
  const inputs = graphs.reduce((total, graph) => {
    let own = 0;
    for (const { id, name, data } of graph.values.values()) {
      if (data !== undefined) own += data.data.byteLength;
      else if (graph.inputs.includes(id) && !known.has(name)) own += bytesOfValue(graph, id);
    }
    return total + own;
  }, 0);
  const activations = Math.max(...graphs.map((graph) => planPeakActivations(intervalsOf(graph)).bytes));
  return { state, inputs, activations, total: state + inputs + activations };
}

/** Memory of the training step of a graph, before anything is allocated. */
export function trainingMemory(graph: Graph, options: TrainingGraphOptions): TrainingMemory {
  return memoryOf(trainingGraph(graph, options));
}

/** Refuses a training step that needs more than `limit` bytes. */
export function checkMemory(training: TrainingGraph, limit: number): void {
  const { total, activations } = memoryOf(training);
  if (total <= limit) return;
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  throw new EspalierError("usage", `A training step needs ${mebibytes(total)}, and the limit is ${mebibytes(limit)}`, {
    where: `graph "${training.graph.name}"`,
    hint: `${mebibytes(activations)} of it are activations and gradients: take a smaller batch with \`accumulate\`, or \`checkpointing\`.`,
  });
}
