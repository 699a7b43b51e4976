import type { Graph, ValueId } from "../../src/ir/index.ts";
import { valueById } from "../../src/ir/index.ts";
import { DTYPES } from "../../src/tensor/index.ts";

/** Values that are looked at beside the outputs: the last ones, which most of the graph has gone into. */
const MOST = 8;

/**
 * Names of real values inside a graph that a cut leaves as large as they were: masked and cut must agree on them as on the outputs, and they are still to be
 * told apart where an output is saturated (a sigmoid of -20).
 */
export function innerValues(graph: Graph, small: Graph): string[] {
  const left = new Map([...small.values.values()].map((value) => [value.name, value]));
  const outputs = new Set<ValueId>(graph.outputs);
  return graph.nodes
    .flatMap((node) => node.outputs)
    .filter((id) => {
      const { name, type, data } = valueById(graph, id);
      const twin = left.get(name);
      if (outputs.has(id) || data !== undefined || !DTYPES[type.dtype].float || twin === undefined) return false;
      return twin.data === undefined && twin.type.shape.join() === type.shape.join();
    })
    .slice(-MOST)
    .map((id) => valueById(graph, id).name);
}

/** A graph that also gives the named values. */
export function exposing(graph: Graph, names: readonly string[]): Graph {
  const byName = new Map([...graph.values.values()].map(({ name, id }) => [name, id]));
  return { ...graph, outputs: [...graph.outputs, ...names.flatMap((name) => byName.get(name) ?? [])] };
}
