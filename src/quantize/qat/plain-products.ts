import { type Graph, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { float32, type Tensor, toFloat32 } from "../../tensor/index.ts";

/** The graph with alpha and beta of each Gemm by constants multiplied into them: what quantising does in the end, done before training. */
export function plainProducts(graph: Graph): Graph {
  const builder = editGraph(graph);
  let changed = false;
  for (const node of graph.nodes) {
    if (node.op !== "Gemm") continue;
    const factors = [1, Number(node.attrs.alpha ?? 1), Number(node.attrs.beta ?? 1)];
    const constants = node.inputs.map((id) => (id === null ? null : (valueById(graph, id).data ?? null)));
    if (factors.every((factor) => factor === 1) || constants.slice(1).includes(null)) continue;
    const inputs = node.inputs.map((id, i): ValueId | null =>
      factors[i] === 1 ? id : builder.constant(valueById(graph, id!).name, times(constants[i]!, factors[i]!)),
    );
    builder.replaceNode(node, { ...node, inputs, attrs: { ...node.attrs, alpha: 1, beta: 1 } });
    changed = true;
  }
  return changed ? builder.build() : graph;
}

function times(t: Tensor, factor: number): Tensor {
  return float32(
    t.shape,
    toFloat32(t).map((value) => value * factor),
  );
}
