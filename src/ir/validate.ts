import { EspalierError } from "../diagnostics/index.ts";
import type { Infer } from "./builder.ts";
import { type Graph, valueById } from "./graph.ts";
import { shapeText, typeText } from "./shape.ts";

/** Checks that the graph is well formed (SSA, order, unique names, data fits types) and that each type is what the operators derive. */
export function validate(graph: Graph, infer: Infer): void {
  const fail = (message: string, where: string): never => {
    throw new EspalierError("internal", `internal: ${message}`, { where: `graph "${graph.name}", ${where}` });
  };
  const names = new Map<string, number>();
  for (const [id, value] of graph.values) {
    if (value.id !== id) fail(`value id ${value.id} is filed under ${id}`, `value "${value.name}"`);
    const other = names.get(value.name);
    if (other !== undefined) fail(`values ${other} and ${id} share a name`, `value "${value.name}"`);
    names.set(value.name, id);
    if (
      value.data !== undefined &&
      (value.data.dtype !== value.type.dtype || shapeText(value.data.shape) !== shapeText(value.type.shape))
    ) {
      fail(
        `constant is ${value.data.dtype}${shapeText(value.data.shape)}, its type says ${typeText(value.type)}`,
        `value "${value.name}"`,
      );
    }
  }
  const ready = new Set<number>(graph.inputs);
  for (const [id, value] of graph.values) if (value.data !== undefined) ready.add(id);
  const nodeNames = new Set<string>();
  for (const node of graph.nodes) {
    const where = `node "${node.name}" (${node.op})`;
    if (nodeNames.has(node.name)) fail("node name is used twice", where);
    nodeNames.add(node.name);
    const facts = node.inputs.map((id) => {
      if (id === null) return null;
      if (!ready.has(id)) fail(`input ${id} is read before it is computed`, where);
      return valueById(graph, id);
    });
    const types = infer({ op: node.op, name: node.name, attrs: node.attrs, outputCount: node.outputs.length }, facts);
    node.outputs.forEach((id, i) => {
      if (ready.has(id)) fail(`output ${id} is computed twice`, where);
      ready.add(id);
      const stated = typeText(valueById(graph, id).type);
      const derived = typeText(types[i]!);
      if (stated !== derived) fail(`output ${i} is stated as ${stated}, derived as ${derived}`, where);
    });
  }
  for (const id of graph.outputs) if (!ready.has(id)) fail(`output ${id} is never computed`, "outputs");
}
