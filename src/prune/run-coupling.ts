import { withContext } from "../diagnostics/index.ts";
import { type Graph, producers, type ValueId, valueById } from "../ir/index.ts";
import { contextOf, specOf } from "../ops/index.ts";
import { Coupling } from "./coupling.ts";
import { couplingContext } from "./coupling-context.ts";

/** Runs a graph on unit ids, node by node. Linear in the number of index entries. */
export function runCoupling(graph: Graph): Coupling {
  const coupling = new Coupling(graph);
  const reasonOf = untrackedReasons(graph);
  graph.nodes.forEach((node, index) => {
    coupling.ids.node = index;
    try {
      const { couple } = specOf(node.op);
      if (couple === "frozen") {
        for (const id of node.inputs) if (id !== null) coupling.pinAxes(id, `operator ${node.op}`);
      } else couple(couplingContext(coupling, node, contextOf(graph, node), reasonOf));
    } catch (error) {
      throw withContext(error, `node "${node.name}" (${node.op})`);
    }
  });
  coupling.ids.node = -1;
  for (const id of graph.outputs) coupling.pinAxes(id, "graph-output");
  return coupling;
}

/** Why a value that nobody tracks is of fixed size: it is an input, or an operator without a rule made it. */
function untrackedReasons(graph: Graph): (value: ValueId) => string {
  const producer = producers(graph);
  const known = new Map<ValueId, string>();
  for (const id of graph.inputs) known.set(id, "graph-input");
  for (const node of graph.nodes) {
    const source = node.inputs.find((id) => id !== null && valueById(graph, id).data === undefined);
    const reason =
      specOf(node.op).couple === "frozen"
        ? `operator ${node.op}`
        : source === undefined || source === null
          ? "untracked"
          : (known.get(source) ?? "untracked");
    for (const id of node.outputs) known.set(id, reason);
  }
  return (value) => known.get(value) ?? (producer.has(value) ? "untracked" : "constant");
}
