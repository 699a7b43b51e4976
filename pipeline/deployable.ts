import { EspalierError } from "../src/diagnostics/index.ts";
import { type Graph, valueById } from "../src/ir/index.ts";

/**
 * The shape of one sample, without the batch, of a model that can be deployed: one float32 input with fixed sizes after the
 * batch. Throws EspalierError "unsupported" for any other.
 */
export function checkDeployable(graph: Graph): number[] {
  const [first] = graph.inputs;
  if (first === undefined || graph.inputs.length !== 1) {
    const names = graph.inputs.map((id) => valueById(graph, id).name).join(", ");
    throw new EspalierError(
      "unsupported",
      `The model has ${graph.inputs.length} inputs (${names}), deploying needs exactly one`,
    );
  }
  const { type, name } = valueById(graph, first);
  const shape = type.shape.slice(1);
  if (type.dtype !== "float32" || shape.some((dim) => typeof dim !== "number")) {
    throw new EspalierError(
      "unsupported",
      `Input "${name}" is ${type.dtype}[${type.shape.join(", ")}], deploying needs float32 with fixed sizes after the batch`,
    );
  }
  return shape as number[];
}
