import { consumers, type Graph, type Node, producers, type ValueId, valueById } from "../ir/index.ts";
import { specOf } from "../ops/index.ts";
import { sizeOf, type Tensor, toFloat32 } from "../tensor/index.ts";

/** Which inputs of an operator are learned when they are constants, and which of those weight decay pulls at. */
interface Learned {
  readonly at: readonly number[];
  readonly decays: readonly number[];
}

const CONTRACTIONS: Readonly<Record<string, Learned>> = {
  Conv: { at: [1, 2], decays: [1] },
  ConvTranspose: { at: [1, 2], decays: [1] },
  Gemm: { at: [0, 1, 2], decays: [0, 1] },
  MatMul: { at: [0, 1], decays: [0, 1] },
  LSTM: { at: [1, 2, 3], decays: [1, 2] },
  GRU: { at: [1, 2, 3], decays: [1, 2] },
  RNN: { at: [1, 2, 3], decays: [1, 2] },
};

const OTHERS: Readonly<Record<string, Learned>> = {
  BatchNormalization: { at: [1, 2], decays: [] },
  InstanceNormalization: { at: [1, 2], decays: [] },
  LayerNormalization: { at: [1, 2], decays: [] },
  PRelu: { at: [1], decays: [] },
};

/** Operators after which the Add of a constant is a bias. */
const BIASED = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum"]);

/** A constant that training may change. */
export interface TrainableConstant {
  readonly id: ValueId;
  /** Whether weight decay pulls at it: weights of contractions and embeddings, not biases, positions, slopes, scales and shifts of normalisations. */
  readonly decays: boolean;
}

type Find = (id: ValueId) => Tensor | undefined;

/** A float32 constant's data. */
function floatsOf(graph: Graph): Find {
  return (id) => {
    const { data } = valueById(graph, id);
    return data?.dtype === "float32" ? data : undefined;
  };
}

/** The inputs of a node that it multiplies with its activations or looks rows up in; null for operators that have none. */
function weightsOf(graph: Graph, node: Node, find: Find): Learned | null {
  const known = CONTRACTIONS[node.op];
  if (known !== undefined) return known;
  const tables = (at: readonly number[]) =>
    at.filter((i) => {
      const id = node.inputs[i];
      return id !== null && id !== undefined && (find(id)?.shape.length ?? 0) > 1;
    });
  const given = node.op === "Einsum" ? tables(node.inputs.map((_, i) => i)) : [];
  // An embedding: rows of a constant table at positions that are computed.
  if (node.op === "Gather" && (node.attrs.axis ?? 0) === 0 && valueById(graph, node.inputs[1]!).data === undefined)
    given.push(...tables([0]));
  return given.length === 0 ? null : { at: given, decays: given };
}

/** Values that depend on a learned weight, and values that a learned contraction depends on. */
function between(graph: Graph, find: Find): { after: ReadonlySet<ValueId>; before: ReadonlySet<ValueId> } {
  const holds = (node: Node) =>
    weightsOf(graph, node, find)?.at.some(
      (i) => node.inputs[i] !== null && node.inputs[i] !== undefined && find(node.inputs[i]!) !== undefined,
    ) ?? false;
  const after = new Set<ValueId>();
  for (const node of graph.nodes)
    if (holds(node) || node.inputs.some((id) => id !== null && after.has(id)))
      for (const id of node.outputs) after.add(id);
  const users = consumers(graph);
  const before = new Set<ValueId>();
  for (const node of [...graph.nodes].reverse())
    for (const id of node.outputs)
      if ((users.get(id) ?? []).some((user) => holds(user) || user.outputs.some((result) => before.has(result))))
        before.add(id);
  return { after, before };
}

/** Whether added values shut positions out (attention masks write a large negative number) rather than encode something. */
function isMask(data: Tensor): boolean {
  return toFloat32(data).some((value) => !(value > -50));
}

/**
 * Whether a constant that is added to (or multiplied with) activations was learned: position embeddings, gains of normalisations that are written out.
 * It stands between two layers with weights, which neither the normalisation of samples nor the decoding of boxes does; a gain has one long axis, which tables
 * of sines do not.
 */
function isLearnedOperand(op: string, data: Tensor): boolean {
  if (sizeOf(data.shape) < 2) return false;
  return op === "Add" ? !isMask(data) : data.shape.filter((size) => size > 1).length === 1;
}

/** The float32 constants that training may change, in graph order; one that is used in several ways decays only if all of them do. */
export function trainables(graph: Graph): TrainableConstant[] {
  const producer = producers(graph);
  const find = floatsOf(graph);
  const { after, before } = between(graph, find);
  const found = new Map<ValueId, boolean>();
  const add = (id: ValueId | null | undefined, decays: boolean) => {
    if (id === undefined || id === null || find(id) === undefined) return;
    found.set(id, (found.get(id) ?? true) && decays);
  };
  for (const node of graph.nodes) {
    if (node.op === "Add" || node.op === "Mul") {
      for (const i of [0, 1]) {
        const [id, other] = [node.inputs[i]!, node.inputs[1 - i]!];
        const data = find(id);
        if (data === undefined) continue;
        const bias = node.op === "Add" && BIASED.has(producer.get(other)?.op ?? "");
        if (bias || (after.has(other) && before.has(node.outputs[0]!) && isLearnedOperand(node.op, data)))
          add(id, false);
      }
      continue;
    }
    const learned = weightsOf(graph, node, find) ?? OTHERS[node.op] ?? null;
    // What has no gradient cannot be learned; the layers after it still can.
    if (learned === null || typeof specOf(node.op).gradient !== "function") continue;
    for (const i of learned.at) {
      const id = node.inputs[i];
      const rank = id === undefined || id === null ? 0 : valueById(graph, id).type.shape.length;
      add(id, learned.decays.includes(i) && rank > 1);
    }
  }
  return [...found].map(([id, decays]) => ({ id, decays }));
}

/** Ids of the float32 constants that training may change: weights, biases, embeddings, slopes, scales and shifts of normalisations. In graph order. */
export function trainableConstants(graph: Graph): ValueId[] {
  return trainables(graph).map(({ id }) => id);
}
