import { withContext } from "../diagnostics/index.ts";
import { type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";
import { contextOf, specOf } from "../ops/index.ts";
import { Coupling, type CouplingOptions } from "./coupling.ts";
import { couplingContext } from "./coupling-context.ts";
import { SharedColumns } from "./shared-columns.ts";

/**
 * Runs a graph on unit ids, node by node. Linear in the number of index entries. Where columns of a grid turn out to be shared by its rows, it is
 * run again with units for the rows and for the columns.
 */
export function runCoupling(graph: Graph, options: CouplingOptions = {}): Coupling {
  let coupling = pass(graph, options, new SharedColumns());
  for (let again = 0; again < mostPasses && coupling.sharedColumns.grew; again++)
    coupling = pass(graph, options, coupling.sharedColumns.next());
  return coupling;
}

/** Passes after the first. Each finds the shared columns that those of the pass before made visible; two are rare. */
const mostPasses = 3;

function pass(graph: Graph, options: CouplingOptions, sharedColumns: SharedColumns): Coupling {
  const coupling = new Coupling(graph, options, sharedColumns);
  const untracked = new Untracked(graph);
  const reasonOf = (value: ValueId) => untracked.reasonOf(value);
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
    untracked.pass(node, coupling.ids.frozenBy(index));
  });
  coupling.ids.node = -1;
  for (const id of graph.outputs) coupling.pinAxes(id, "graph-output");
  return coupling;
}

/** Why a value that nobody tracks is of fixed size: it is an input, an operator without a rule made it, or one whose rule fixed what it tracked. */
class Untracked {
  readonly #graph: Graph;
  readonly #known = new Map<ValueId, string>();

  constructor(graph: Graph) {
    this.#graph = graph;
    for (const id of graph.inputs) this.#known.set(id, "graph-input");
  }

  /** To be called when the rule of a node has run; `fixed` is the reason for which it froze something, if it did. */
  pass(node: Node, fixed: string | undefined): void {
    const source = node.inputs.find((id) => id !== null && valueById(this.#graph, id).data === undefined);
    const own = specOf(node.op).couple === "frozen" ? `operator ${node.op}` : fixed;
    const reason = own ?? (source === undefined || source === null ? "constant" : this.reasonOf(source));
    for (const id of node.outputs) this.#known.set(id, reason);
  }

  reasonOf(value: ValueId): string {
    return this.#known.get(value) ?? "constant";
  }
}
