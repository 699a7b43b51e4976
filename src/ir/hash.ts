import { createHash } from "node:crypto";
import { bytesOf } from "../tensor/index.ts";
import { type Graph, valueById } from "./graph.ts";
import { printGraph } from "./text.ts";

/** SHA-256 (hex) over the text form and the bytes of every constant and tensor attribute: equal graphs have equal hashes, whatever their ids. */
export function hashGraph(graph: Graph): string {
  const hash = createHash("sha256");
  hash.update(printGraph(graph));
  const done = new Set<number>();
  const add = (id: number | null) => {
    if (id === null || done.has(id)) return;
    done.add(id);
    const data = valueById(graph, id).data;
    if (data !== undefined) hash.update(bytesOf(data));
  };
  for (const node of graph.nodes) {
    node.inputs.forEach(add);
    for (const key of Object.keys(node.attrs).sort()) {
      const value = node.attrs[key]!;
      if (typeof value === "object" && "dtype" in value) hash.update(bytesOf(value));
    }
  }
  graph.outputs.forEach(add);
  return hash.digest("hex");
}
