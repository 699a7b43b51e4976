import { type Graph, producers, type ValueId, valueById } from "../ir/index.ts";

/** Which inputs of an operator are learned when they are constants. */
const LEARNED: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  BatchNormalization: [1, 2],
  PRelu: [1],
};

/** Operators after which the Add of a constant is a bias. */
const BIASED = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** Ids of the float32 constants that training may change: weights, biases, slopes, scales and shifts of normalisations. In graph order. */
export function trainableConstants(graph: Graph): ValueId[] {
  const producer = producers(graph);
  const found = new Set<ValueId>();
  for (const node of graph.nodes) {
    const positions = LEARNED[node.op] ?? (node.op === "Add" ? [0, 1] : []);
    for (const i of positions) {
      const id = node.inputs[i];
      if (id === undefined || id === null) continue;
      if (node.op === "Add") {
        const other = node.inputs[1 - i]!;
        if (!BIASED.has(producer.get(other)?.op ?? "")) continue;
      }
      if (valueById(graph, id).data?.dtype === "float32") found.add(id);
    }
  }
  return [...found];
}
