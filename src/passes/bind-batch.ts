import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { definePass, type Pass } from "../rewrite/index.ts";

function isStatic(graph: Graph): boolean {
  return graph.inputs.every((id) => valueById(graph, id).type.shape.every((dim) => typeof dim === "number"));
}

/** The pass that fixes the symbolic batch at a size of at least 1. */
export function bindBatch(size: number): Pass {
  if (!Number.isInteger(size) || size < 1)
    throw new EspalierError("usage", `A batch must be a whole number of at least 1, got ${size}`);
  return definePass({
    name: "bind-batch",
    summary: `Fixes the symbolic batch at ${size}, for runtimes that plan their memory ahead.`,
    details: "Outputs are equal bit for bit for batches of that size.",
    example: {
      before: `graph "g" {
  input %"x": float32[N, 3]
  %"y": float32[N, 3] = Relu(%"x") @"relu"
  return %"y"
}
`,
      after: `graph "g" {
  input %"x": float32[${size}, 3]
  %"y": float32[${size}, 3] = Relu(%"x") @"relu"
  return %"y"
}
`,
    },
    transform: (graph) => {
      if (isStatic(graph)) return graph;
      const edit = editGraph(graph);
      for (const id of graph.inputs) {
        const { type } = valueById(graph, id);
        edit.setInputType(id, {
          dtype: type.dtype,
          shape: type.shape.map((dim) => (typeof dim === "string" ? size : dim)),
        });
      }
      return edit.build({ reinfer: true });
    },
    ensures: {
      says: "no dimension is symbolic",
      holds: (graph) =>
        [...graph.values.values()].every(({ type }) => type.shape.every((dim) => typeof dim === "number")),
    },
  });
}
