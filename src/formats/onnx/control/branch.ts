import { EspalierError } from "../../../diagnostics/index.ts";
import { typeText, type ValueId } from "../../../ir/index.ts";
import { int64s } from "../../../tensor/index.ts";
import { graphAttribute } from "../attributes.ts";
import type { GraphProto } from "../codec/generated/onnx_pb.ts";
import { innerFrame } from "../frame.ts";
import { bind, type Frame, resolvePresent, type Session } from "../session.ts";
import type { ControlNode } from "./control-node.ts";

/** Reads the nodes of a branch; gives the values of its outputs (null where the If's output is not read). */
function inlineBranch(
  session: Session,
  frame: Frame,
  node: ControlNode,
  graph: GraphProto,
  label: string,
): (ValueId | null)[] {
  const inner = innerFrame(session, frame, graph, label.slice(frame.prefix.length), node.where);
  for (const proto of graph.node) session.readNode(session, inner, proto);
  if (graph.output.length !== node.proto.output.length)
    throw new EspalierError(
      "input",
      `A branch gives ${graph.output.length} values, the If ${node.proto.output.length}`,
      {
        where: node.where,
      },
    );
  return graph.output.map(({ name }, i) =>
    frame.used.has(node.proto.output[i]!) ? resolvePresent(session, inner, name, node.where) : null,
  );
}

/** Both branches, for a condition that is computed: what fails in one of them is told with the input that decides. */
function bothBranches(
  session: Session,
  frame: Frame,
  node: ControlNode,
  condition: ValueId,
): [(ValueId | null)[], (ValueId | null)[]] {
  try {
    const yes = graphAttribute(node.proto, "then_branch", node.where);
    const no = graphAttribute(node.proto, "else_branch", node.where);
    return [
      inlineBranch(session, frame, node, yes, `${node.label}.then`),
      inlineBranch(session, frame, node, no, `${node.label}.else`),
    ];
  } catch (error) {
    if (!(error instanceof EspalierError) || error.code === "internal") throw error;
    throw new EspalierError(
      error.code,
      `${error.message}; it stands in a branch of "${node.label}", whose condition is computed`,
      { where: error.where ?? node.where, hint: session.bindHint(condition), cause: error },
    );
  }
}

/** The condition as a scalar, which broadcasts to anything. */
function scalarCondition(session: Session, condition: ValueId, label: string): ValueId {
  if (session.builder.value(condition).type.shape.length === 0) return condition;
  const shape = session.constant(`${label}.scalar`, int64s([]));
  return session.nodes("Reshape", [condition, shape], {}, { name: `${label}.condition` })[0]!;
}

/** Reads an If: a constant condition leaves one branch, a computed one both, between which Where chooses. */
export function readIf(session: Session, frame: Frame, node: ControlNode): void {
  const { proto, label, where } = node;
  const condition = resolvePresent(session, frame, proto.input[0] ?? "", where);
  const data = session.builder.value(condition).data;
  const set = (i: number, id: ValueId | null) => {
    const name = proto.output[i]!;
    if (name !== "" && id !== null) bind(frame, name, id, where);
  };
  if (data !== undefined) {
    const taken = data.data[0] ? "then" : "else";
    const graph = graphAttribute(proto, `${taken}_branch`, where);
    for (const [i, id] of inlineBranch(session, frame, node, graph, `${label}.${taken}`).entries()) set(i, id);
    return;
  }
  const [yes, no] = bothBranches(session, frame, node, condition);
  const choice = scalarCondition(session, condition, label);
  yes.forEach((first, i) => {
    const second = no[i] ?? null;
    if (first === null || second === null) return;
    const types = [first, second].map((id) => typeText(session.builder.value(id).type));
    if (types[0] !== types[1])
      throw new EspalierError(
        "unsupported",
        `The branches of this If give ${types[0]} and ${types[1]}, and its condition is computed`,
        { where, hint: session.bindHint(condition) },
      );
    const name = frame.prefix === "" ? proto.output[i]! : session.fresh(frame.prefix + proto.output[i]!);
    set(i, session.nodes("Where", [choice, first, second], {}, { name: label, outputNames: [name] })[0]!);
  });
}
