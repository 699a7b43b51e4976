import type { Graph } from "../src/ir/index.ts";
import { valueById } from "../src/ir/index.ts";
import { validateGraph } from "../src/ops/index.ts";
import { bindBatch, importPipeline, runPasses } from "../src/passes/index.ts";

/** The graph of a file in canonical form, with its batch free where it can be: what is trained, pruned and measured. */
export function canonicalGraph(raw: Graph): Graph {
  const graph = runPasses(raw, importPipeline);
  validateGraph(graph);
  return graph;
}

/** The graph of a file in canonical form with the interface of the file: a batch that the file fixes stays fixed. */
export function sameInterface(raw: Graph): Graph {
  const graph = canonicalGraph(raw);
  const sizes = new Set(raw.inputs.map((id) => valueById(raw, id).type.shape[0]));
  const [batch] = sizes;
  return sizes.size === 1 && typeof batch === "number" ? runPasses(graph, [bindBatch(batch)]) : graph;
}
