import { type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";
import type { PruneGroup, PruneGroups } from "./group-types.ts";
import { expandRows } from "./groups.ts";

/** What a unit of a group is, in the field's words. */
export type UnitKind =
  | "channels"
  | "groups of a convolution"
  | "heads"
  | "head size"
  | "MLP hidden units"
  | "recurrent hidden units"
  | "embedding features"
  | "rows";

const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);
const CONVOLUTIONS = new Set(["Conv", "ConvTranspose"]);
const PRODUCTS = new Set(["MatMul", "Gemm", "Einsum"]);

/**
 * What the units of a group are, told by the operators that make and read them. Rows are groups of a convolution, or heads where they lie on the
 * operands of a product of two activations. Channels on such operands are the size of heads, those between products with weights the hidden units of an
 * MLP, those of a recurrence its hidden units, those that only a lookup makes the features of an embedding; all others are channels.
 */
export function granularityOf(graph: Graph, groups: PruneGroups, group: PruneGroup): UnitKind {
  const users = usersOf(graph, group);
  if (group.kind === "rows") {
    if (users.some(({ node }) => CONVOLUTIONS.has(node.op) && Number(node.attrs.group ?? 1) > 1))
      return "groups of a convolution";
    return meetActivations(graph, groups, group) ? "heads" : "rows";
  }
  // Input 2 holds the recurrent weights, whose columns are the hidden units.
  if (users.some(({ node, input }) => RECURRENT.has(node.op) && input === 2)) return "recurrent hidden units";
  if (meetActivations(graph, groups, group)) return "head size";
  const makers = users.filter(({ role, node }) => role === "out" && multiplies(node));
  const readers = users.filter(({ role }) => role === "in");
  const dense =
    makers.every(({ node }) => PRODUCTS.has(node.op)) &&
    readers.every(({ node }) => PRODUCTS.has(node.op) || RECURRENT.has(node.op));
  if (makers.length > 0 && readers.length > 0 && dense) return "MLP hidden units";
  const lookups = users.some(({ node, role }) => node.op === "Gather" && role === "out");
  return lookups && makers.length === 0 ? "embedding features" : "channels";
}

function multiplies({ op }: Node): boolean {
  return PRODUCTS.has(op) || CONVOLUTIONS.has(op) || RECURRENT.has(op);
}

interface User {
  readonly node: Node;
  readonly input: number;
  readonly role: PruneGroup["members"][number]["role"];
}

/** The nodes that read a group's constants. */
function usersOf(graph: Graph, group: PruneGroup): User[] {
  const roles = new Map<ValueId, Set<User["role"]>>();
  for (const { value, role } of group.members) roles.set(value, (roles.get(value) ?? new Set()).add(role));
  return graph.nodes.flatMap((node) =>
    node.inputs.flatMap((id, input) =>
      id === null ? [] : [...(roles.get(id) ?? [])].map((role): User => ({ node, input, role })),
    ),
  );
}

/** Whether units of the group lie on an operand of a product of two activations. */
function meetActivations(graph: Graph, groups: PruneGroups, group: PruneGroup): boolean {
  const { coupling, classOf, rows, unitClass } = groups.state;
  const own = new Set(group.units.flatMap(({ id }) => expandRows(unitClass[id]!, rows)));
  return graph.nodes.some((node) => {
    if (node.op !== "MatMul" && node.op !== "Einsum") return false;
    const operands = node.inputs.filter((id): id is ValueId => id !== null);
    if (operands.length < 2 || operands.some((id) => valueById(graph, id).data !== undefined)) return false;
    return operands.some((id) => coupling.known(id).some(({ ids }) => ids.some((at) => own.has(classOf[at]!))));
  });
}
