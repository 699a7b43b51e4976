import { EspalierError } from "../../../diagnostics/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { int64s, scalar } from "../../../tensor/index.ts";
import { graphAttribute } from "../attributes.ts";
import type { GraphProto } from "../codec/generated/onnx_pb.ts";
import { innerFrame, turnFrame } from "../frame.ts";
import { bind, type Frame, resolvePresent, type Session } from "../session.ts";
import type { ControlNode } from "./control-node.ts";

/** Turns that a loop is unrolled to at most. */
export const MOST_TURNS = 1024;

function refuse(session: Session, node: ControlNode, what: string, decided: ValueId): never {
  throw new EspalierError("unsupported", `${what} of this loop is computed, so the loop cannot be unrolled`, {
    where: node.where,
    hint: session.bindHint(decided),
  });
}

/** The number of a constant with one element; a computed one is refused with the input that decides. */
function known(session: Session, frame: Frame, node: ControlNode, name: string, what: string): number | null {
  if (name === "") return null;
  const id = resolvePresent(session, frame, name, node.where);
  const data = session.builder.value(id).data?.data[0];
  if (data === undefined) return refuse(session, node, what, id);
  return Number(data);
}

/** Values along a new axis, one a turn. */
export function stacked(session: Session, values: readonly ValueId[], axis: number, label: string): ValueId {
  const axes = session.constant(`${label}.axis`, int64s([axis]));
  const parts = values.map((id) => session.nodes("Unsqueeze", [id, axes], {}, { name: `${label}.unsqueeze` })[0]!);
  // A Concat of more parts than its declaration admits is made of Concats of Concats.
  const most = 512;
  const join = (ids: readonly ValueId[]) => session.nodes("Concat", ids, { axis }, { name: `${label}.stack` })[0]!;
  const groups: ValueId[] = [];
  for (let at = 0; at < parts.length; at += most) groups.push(join(parts.slice(at, at + most)));
  return groups.length === 1 ? groups[0]! : join(groups);
}

interface Turns {
  readonly most: number;
  /** Whether the condition holds before the first turn. */
  readonly started: boolean;
}

/** Runs the body as often as the trip count and the condition say; gives the carried values and the values of each turn. */
function unroll(
  session: Session,
  node: ControlNode,
  parts: { readonly body: Frame; readonly graph: GraphProto; readonly carried: ValueId[]; readonly turns: Turns },
): { carried: ValueId[]; collected: ValueId[][] } {
  const { body, graph, turns } = parts;
  let carried = parts.carried;
  const scans = graph.output.length - 1 - carried.length;
  const collected = Array.from({ length: scans }, (): ValueId[] => []);
  let goes = turns.started;
  for (let turn = 0; goes && turn < turns.most; turn++) {
    session.step(node.where);
    if (turn >= MOST_TURNS)
      throw new EspalierError("unsupported", `This loop runs more than ${MOST_TURNS} times`, {
        where: node.where,
        hint: "Export the model with fewer iterations.",
      });
    const frame = turnFrame(body, turn);
    const starts = [
      session.constant(`${frame.prefix}turn`, scalar("int64", turn)),
      session.constant(`${frame.prefix}go`, scalar("bool", 1)),
      ...carried,
    ];
    for (const [i, { name }] of graph.input.entries()) bind(frame, name, starts[i]!, node.where);
    for (const proto of graph.node) session.readNode(session, frame, proto);
    const results = graph.output.map(({ name }) => resolvePresent(session, frame, name, node.where));
    const go = session.builder.value(results[0]!).data?.data[0];
    if (go === undefined) return refuse(session, node, "The condition", results[0]!);
    goes = Number(go) !== 0;
    const count = carried.length;
    carried = results.slice(1, 1 + count);
    for (const [i, list] of collected.entries()) list.push(results[1 + count + i]!);
  }
  return { carried, collected };
}

/** Reads a Loop whose trip count and condition are known, turn by turn (ONNX Loop-16). */
export function readLoop(session: Session, frame: Frame, node: ControlNode): void {
  const { proto, label, where } = node;
  const graph = graphAttribute(proto, "body", where);
  const trips = known(session, frame, node, proto.input[0] ?? "", "The trip count");
  const started = known(session, frame, node, proto.input[1] ?? "", "The condition") ?? 1;
  const carried = proto.input.slice(2).map((name) => resolvePresent(session, frame, name, where));
  if (graph.input.length !== 2 + carried.length || graph.output.length !== proto.output.length + 1)
    throw new EspalierError(
      "input",
      `The body of this loop has ${graph.input.length} inputs and ${graph.output.length} outputs; the loop carries ${carried.length} values and gives ${proto.output.length}`,
      { where },
    );
  const body = innerFrame(session, frame, graph, label.slice(frame.prefix.length), where);
  const turns = { most: trips ?? Number.POSITIVE_INFINITY, started: started !== 0 };
  const end = unroll(session, node, { body, graph, carried, turns });
  proto.output.forEach((name, i) => {
    if (name === "" || !frame.used.has(name)) return;
    const values = end.collected[i - end.carried.length];
    if (values !== undefined && values.length === 0)
      throw new EspalierError("unsupported", `This loop runs no turn, and its output "${name}" is read`, { where });
    const value = values === undefined ? end.carried[i]! : stacked(session, values, 0, `${label}.${i}`);
    bind(frame, name, value, where);
  });
}
