import { createHash } from "node:crypto";
import { bytesOf } from "../tensor/index.ts";
import { type Graph, valueById } from "./graph.ts";
import { printGraph } from "./text.ts";

/** SHA-256 (hex) over the text form and the bytes of every constant: equal graphs have equal hashes, whatever their ids. */
export function hashGraph(graph: Graph): string {
  const hash = createHash("sha256");
  hash.update(printGraph(graph));
  const done = new Set<number>();
  for (const node of graph.nodes) {
    for (const id of node.inputs) {
      if (id === null || done.has(id)) continue;
      done.add(id);
      const data = valueById(graph, id).data;
      if (data !== undefined) hash.update(bytesOf(data));
    }
  }
  return hash.digest("hex");
}
