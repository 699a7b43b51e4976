import { EspalierError } from "../../../diagnostics/index.ts";
import { normalAxis, staticDim, type ValueId } from "../../../ir/index.ts";
import { scalar } from "../../../tensor/index.ts";
import { graphAttribute, readAttributes } from "../attributes.ts";
import type { GraphProto } from "../codec/generated/onnx_pb.ts";
import { innerFrame, turnFrame } from "../frame.ts";
import { bind, type Frame, resolvePresent, type Session } from "../session.ts";
import type { ControlNode } from "./control-node.ts";
import { MOST_TURNS, stacked } from "./loop.ts";

/** What a Scan goes over: each scanned input with its axis and direction, each collected output with its own. */
interface ScanPlan {
  readonly graph: GraphProto;
  readonly states: ValueId[];
  readonly scanned: readonly { readonly id: ValueId; readonly axis: number; readonly backwards: boolean }[];
  readonly collected: readonly { readonly axis: number; readonly backwards: boolean }[];
  readonly turns: number;
}

function planOf(session: Session, frame: Frame, node: ControlNode): ScanPlan {
  const { proto, where } = node;
  const fail = (message: string): never => {
    throw new EspalierError("unsupported", message, { where, hint: "Export the model without Scan." });
  };
  if ((frame.opsets.get("") ?? 1) < 9) return fail("Scan of opset 8 is not supported");
  const graph = graphAttribute(proto, "body", where);
  const attrs = readAttributes(proto, where, frame.attributes);
  const list = (name: string) => (Array.isArray(attrs[name]) ? (attrs[name] as number[]) : []);
  const count = Number(attrs.num_scan_inputs ?? 0);
  const stateCount = proto.input.length - count;
  const outputs = graph.output.length - stateCount;
  if (!(count >= 1) || stateCount < 0 || outputs < 0 || graph.input.length !== proto.input.length)
    return fail(
      `Scan of ${count} of its ${proto.input.length} inputs does not fit its body of ${graph.input.length} inputs`,
    );
  const inputs = proto.input.map((name) => resolvePresent(session, frame, name, where));
  const scanned = inputs.slice(stateCount).map((id, i) => ({
    id,
    axis: normalAxis(list("scan_input_axes")[i] ?? 0, session.builder.value(id).type.shape.length),
    backwards: list("scan_input_directions")[i] === 1,
  }));
  const lengths = scanned.map(({ id, axis }) =>
    staticDim(session.builder.value(id).type.shape[axis], "The length that a Scan runs over"),
  );
  const turns = lengths[0]!;
  if (lengths.some((length) => length !== turns)) return fail(`Scan runs over inputs of lengths ${lengths.join(", ")}`);
  if (turns < 1 || turns > MOST_TURNS) return fail(`Scan runs over ${turns} slices; 1 to ${MOST_TURNS} are supported`);
  const collected = Array.from({ length: outputs }, (_, i) => ({
    axis: list("scan_output_axes")[i] ?? 0,
    backwards: list("scan_output_directions")[i] === 1,
  }));
  return { graph, states: inputs.slice(0, stateCount), scanned, collected, turns };
}

/** Reads a Scan slice by slice (ONNX Scan-9). */
export function readScan(session: Session, frame: Frame, node: ControlNode): void {
  const { proto, label, where } = node;
  const plan = planOf(session, frame, node);
  const body = innerFrame(session, frame, plan.graph, label.slice(frame.prefix.length), where);
  let states = plan.states;
  const collected = plan.collected.map((): ValueId[] => []);
  for (let turn = 0; turn < plan.turns; turn++) {
    session.step(where);
    const inner = turnFrame(body, turn);
    const slices = plan.scanned.map(({ id, axis, backwards }) => {
      const index = session.constant(`${inner.prefix}index`, scalar("int64", backwards ? plan.turns - 1 - turn : turn));
      return session.nodes("Gather", [id, index], { axis }, { name: `${inner.prefix}slice` })[0]!;
    });
    const starts = [...states, ...slices];
    for (const [i, { name }] of plan.graph.input.entries()) bind(inner, name, starts[i]!, where);
    for (const child of plan.graph.node) session.readNode(session, inner, child);
    const results = plan.graph.output.map(({ name }) => resolvePresent(session, inner, name, where));
    states = results.slice(0, states.length);
    for (const [i, list] of collected.entries()) list.push(results[states.length + i]!);
  }
  for (const [i, name] of proto.output.entries()) {
    if (name === "" || !frame.used.has(name)) continue;
    const stack = collected[i - states.length];
    if (stack === undefined) {
      bind(frame, name, states[i]!, where);
      continue;
    }
    const { axis, backwards } = plan.collected[i - states.length]!;
    const rank = session.builder.value(stack[0]!).type.shape.length + 1;
    const ordered = backwards ? [...stack].reverse() : stack;
    bind(frame, name, stacked(session, ordered, normalAxis(axis, rank), `${label}.${i}`), where);
  }
}
