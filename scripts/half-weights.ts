import type { Graph, ValueId } from "../src/ir/index.ts";
import { editGraph } from "../src/ops/index.ts";
import { fromNumbers, type Tensor, toNumbers } from "../src/tensor/index.ts";

/** Constants of rank 2 and more: the weights, in which nearly all bytes are. */
function weights(graph: Graph): { id: ValueId; name: string; data: Tensor }[] {
  return [...graph.values.values()].flatMap(({ id, name, data }) =>
    data?.dtype === "float32" && data.shape.length > 1 ? [{ id, name, data }] : [],
  );
}

/** The graph with its weights rounded to float16 constants, each behind a Cast to float32: half the bytes, the same arithmetic. */
export function halfWeights(graph: Graph): Graph {
  const builder = editGraph(graph);
  for (const { id, name, data } of weights(graph)) {
    const half = builder.constant(`${name}.float16`, fromNumbers("float16", data.shape, toNumbers(data)));
    builder.replaceUses(id, builder.node("Cast", [half], { to: 1 }, { name: `${name}.float32` }));
  }
  return builder.build();
}
