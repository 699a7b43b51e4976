import type { ValueId } from "../../ir/index.ts";
import type { AttributeProto, GraphProto, NodeProto } from "./codec/generated/onnx_pb.ts";
import { isNarrow } from "./element-types.ts";
import type { Frame, Session, StoredWeight } from "./session.ts";
import { readSparse } from "./sparse.ts";
import { readTensor } from "./tensors.ts";

/** Long names of nested nodes would multiply; a prefix keeps this many characters of each. */
const longestPart = 64;

function addUses(nodes: readonly NodeProto[], used: Set<string>): Set<string> {
  for (const node of nodes) {
    for (const name of node.input) used.add(name);
    for (const { g } of node.attribute) {
      if (g === undefined) continue;
      for (const { name } of g.output) used.add(name);
      addUses(g.node, used);
    }
  }
  return used;
}

/** The names that something reads: nodes, those of sub-graphs too, and the outputs. */
function usedNames(nodes: readonly NodeProto[], outputs: readonly string[]): ReadonlySet<string> {
  return addUses(nodes, new Set(outputs));
}

/** The weights of a graph by name; each is read when a node first asks for it, and once however often its graph is repeated. */
function weightsOf(session: Session, graph: GraphProto): ReadonlyMap<string, StoredWeight> {
  const weights = new Map<string, StoredWeight>();
  for (const proto of graph.initializer)
    weights.set(proto.name, {
      read: () => session.tensor(proto, () => readTensor(proto, `initialiser "${proto.name}"`, session.files)),
      narrow: isNarrow(proto.dataType),
    });
  for (const proto of graph.sparseInitializer) {
    const name = proto.values?.name ?? "";
    weights.set(name, {
      read: () => readSparse(proto, `sparse initialiser "${name}"`, session.files, session.budget),
      narrow: false,
    });
  }
  return weights;
}

/** The frame of a model's main graph. */
export function mainFrame(session: Session, graph: GraphProto, opsets: ReadonlyMap<string, number>): Frame {
  return {
    names: new Map(),
    stored: weightsOf(session, graph),
    outer: null,
    opsets,
    attributes: { files: session.files, budget: session.budget, bound: new Map() },
    used: usedNames(
      graph.node,
      graph.output.map(({ name }) => name),
    ),
    prefix: "",
    depth: 0,
  };
}

function prefixOf(frame: Frame, label: string): string {
  return `${frame.prefix}${label.slice(0, longestPart)}/`;
}

/** The frame of a sub-graph of a node, which sees the names around the node. */
export function innerFrame(session: Session, frame: Frame, graph: GraphProto, label: string, where: string): Frame {
  return {
    ...frame,
    names: new Map(),
    stored: weightsOf(session, graph),
    outer: frame,
    used: usedNames(
      graph.node,
      graph.output.map(({ name }) => name),
    ),
    prefix: prefixOf(frame, label),
    depth: session.deeper(frame, where),
  };
}

/** One turn of a loop's body: names of its own, the weights shared with all turns. */
export function turnFrame(body: Frame, turn: number): Frame {
  return { ...body, names: new Map(), stored: new Map(), outer: body, prefix: `${body.prefix}${turn}/` };
}

/** The frame of a function's body, which sees its inputs and attributes only. */
export function functionFrame(
  session: Session,
  frame: Frame,
  call: {
    readonly nodes: readonly NodeProto[];
    readonly outputs: readonly string[];
    readonly inputs: ReadonlyMap<string, ValueId | null>;
    readonly opsets: ReadonlyMap<string, number>;
    readonly bound: ReadonlyMap<string, AttributeProto>;
    readonly label: string;
    readonly where: string;
  },
): Frame {
  return {
    names: new Map(call.inputs),
    stored: new Map(),
    outer: null,
    opsets: call.opsets,
    attributes: { ...frame.attributes, bound: call.bound },
    used: usedNames(call.nodes, call.outputs),
    prefix: prefixOf(frame, call.label),
    depth: session.deeper(frame, call.where),
  };
}
