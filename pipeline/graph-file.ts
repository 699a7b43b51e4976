import { EspalierError } from "../src/diagnostics/index.ts";
import { readOnnx, writeOnnx } from "../src/formats/onnx/index.ts";
import type { Graph } from "../src/ir/index.ts";

/** Name of the graph in a stage's folder: every intermediate result opens in a model viewer and runs in ONNX Runtime. */
const GRAPH_FILE = "graph.onnx";

/** The files of a stage whose result is a graph. */
export function graphFiles(graph: Graph): Record<string, Uint8Array> {
  return { [GRAPH_FILE]: writeOnnx(graph) };
}

/** The graph that a stage stored. */
export function graphOf(staged: { readonly files: Readonly<Record<string, Uint8Array>> }): Graph {
  const bytes = staged.files[GRAPH_FILE];
  if (bytes === undefined) throw new EspalierError("internal", `internal: the stage stored no ${GRAPH_FILE}`);
  return readOnnx(bytes, { name: GRAPH_FILE });
}
