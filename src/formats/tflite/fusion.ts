import { type Graph, type Node, type ValueId, valueById } from "../../ir/index.ts";
import { toNumbers } from "../../tensor/index.ts";
import type { ActivationFunctionType } from "./codec/index.ts";

/** Operators whose TFLite form has a fused activation (schema: fused_activation_function) that its kernels implement. */
const fusing: ReadonlySet<string> = new Set([
  "Conv",
  "Gemm",
  "MatMul",
  "Add",
  "Sub",
  "Mul",
  "Div",
  "MaxPool",
  "AveragePool",
]);

/** A value seen through the cast or dequantisation of a constant. */
function constantSource(id: ValueId, producers: ReadonlyMap<ValueId, Node>): ValueId {
  const producer = producers.get(id);
  const folds = producer?.op === "DequantizeLinear" || producer?.op === "Cast";
  return folds ? producer.inputs[0]! : id;
}

/**
 * The activation that TFLite fuses into `node` when `clamp` is the only reader of its result: Relu, Clip(0, 6) and
 * Clip(-1, 1). Null when the two stay apart.
 */
export function fusedActivation(
  graph: Graph,
  node: Node,
  clamp: Node,
  producers: ReadonlyMap<ValueId, Node>,
): ActivationFunctionType | null {
  if (!fusing.has(node.op) || node.outputs.length !== 1) return null;
  // A product of two computed matrices has no fused activation (schema: BatchMatMulOptions).
  const constant = (id: ValueId) => valueById(graph, constantSource(id, producers)).data;
  if (node.op === "MatMul" && constant(node.inputs[1]!) === undefined) return null;
  if (clamp.op === "Relu") return "RELU";
  if (clamp.op !== "Clip") return null;
  const bound = (i: number, absent: number) => {
    const id = clamp.inputs[i];
    if (id === undefined || id === null) return absent;
    const data = constant(id);
    return data === undefined ? Number.NaN : toNumbers(data)[0]!;
  };
  const low = bound(1, Number.NEGATIVE_INFINITY);
  const high = bound(2, Number.POSITIVE_INFINITY);
  if (low === 0 && high === 6) return "RELU6";
  if (low === -1 && high === 1) return "RELU_N1_TO_1";
  return low === 0 && high >= 3.4e38 ? "RELU" : null;
}
