import { planPeakActivations } from "../cost/index.ts";
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
  /** The most that activations and gradients take at one moment of the step, with what the arena loses. */
  readonly activations: number;
  readonly total: number;
}

/**
 * Resident memory grows by more than the live buffers, since ONNX Runtime's arena cuts them out of ever larger pieces: by 1.22 to 1.35 times for ResNet-8,
 * MobileNetV1 and V2 and a vision transformer.
 */
const ARENA = 1.3;

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

/** Something that values of one shape lie in, one after the other. */
interface Buffer {
  readonly bytes: number;
  readonly shape: string;
  readonly first: number;
  last: number;
}

/**
 * The buffers of a graph by ONNX Runtime's plan (allocation_planner.cc): a value takes over the buffer of a view's source, of an operand that an elementwise
 * operator may write over, or the one that was given up last by a value of the same shape; such a buffer stays allocated in between. Inputs, constants and
 * outputs have memory of their own.
 */
function buffersOf(graph: Graph): Buffer[] {
  const order = executionOrder(graph);
  const outside = new Set<ValueId>([...graph.inputs, ...graph.outputs]);
  for (const { id, data } of graph.values.values()) if (data !== undefined) outside.add(id);
  const readers = new Map<ValueId, number>();
  for (const { inputs } of order)
    for (const id of new Set(inputs)) if (id !== null) readers.set(id, (readers.get(id) ?? 0) + 1);
  const buffers: Buffer[] = [];
  const held = new Map<ValueId, Buffer>();
  /** Reads of a buffer that are still to come. */
  const due = new Map<Buffer, number>();
  const free = new Map<string, Buffer[]>();
  const overwritten = (node: Node, shape: string) => {
    if (!IN_PLACE.has(OPS[node.op as keyof typeof OPS].kind)) return undefined;
    const own = node.inputs.flatMap((id) => (id === null ? [] : (held.get(id) ?? [])));
    return own.find((buffer) => due.get(buffer) === 1 && buffer.shape === shape);
  };
  order.forEach((node, step) => {
    for (const id of node.outputs) {
      if (outside.has(id)) continue;
      const { dtype, shape } = valueById(graph, id).type;
      const key = `${DTYPES[dtype].bytes}:${shape.join("x")}`;
      const view = VIEWS.has(node.op) ? held.get(node.inputs[0]!) : undefined;
      let buffer = view ?? overwritten(node, key) ?? free.get(key)?.pop();
      if (buffer === undefined) {
        buffer = { bytes: bytesOfValue(graph, id), shape: key, first: step, last: step };
        buffers.push(buffer);
      }
      buffer.last = step;
      held.set(id, buffer);
      due.set(buffer, (due.get(buffer) ?? 0) + (readers.get(id) ?? 0));
    }
    for (const id of new Set([...node.inputs, ...node.outputs])) {
      const buffer = id === null ? undefined : held.get(id);
      if (buffer === undefined) continue;
      if (node.inputs.includes(id)) due.set(buffer, due.get(buffer)! - 1);
      buffer.last = step;
      if (due.get(buffer) !== 0) continue;
      const list = free.get(buffer.shape) ?? [];
      if (!list.includes(buffer)) free.set(buffer.shape, [...list, buffer]);
    }
  });
  return buffers;
}

/** Memory of a training step, by its liveness in the order of execution. */
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
  const live = Math.max(...graphs.map((graph) => planPeakActivations(buffersOf(graph)).bytes));
  const activations = Math.round(ARENA * live);
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
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 2 : 0)} MiB`;
  throw new EspalierError("usage", `A training step needs ${mebibytes(total)}, and the limit is ${mebibytes(limit)}`, {
    where: `graph "${training.graph.name}"`,
    hint: `${mebibytes(activations)} of it are activations and gradients: take a smaller batch with \`accumulate\`, or \`recompute\`.`,
  });
}
