import { EspalierError } from "../../../diagnostics/index.ts";
import { boundAttributes } from "../attributes.ts";
import type { FunctionProto, NodeProto } from "../codec/generated/onnx_pb.ts";
import { functionFrame } from "../frame.ts";
import { bind, type Frame, resolve, resolvePresent, type Session } from "../session.ts";

/** Replaces the call of a function of the model by the function's nodes (onnx.proto, FunctionProto). */
export function inlineFunction(
  session: Session,
  frame: Frame,
  call: {
    readonly proto: NodeProto;
    readonly called: FunctionProto;
    readonly label: string;
    readonly where: string;
  },
): void {
  const { proto, called, label, where } = call;
  if (proto.input.length > called.input.length || proto.output.length > called.output.length)
    throw new EspalierError(
      "input",
      `Function "${called.name}" has ${called.input.length} inputs and ${called.output.length} outputs, its call ${proto.input.length} and ${proto.output.length}`,
      { where },
    );
  const inputs = called.input.map((name, i) => {
    const given = proto.input[i] ?? "";
    return [name, given === "" ? null : resolve(session, frame, given, where)] as const;
  });
  const own = called.opsetImport.map(
    ({ domain, version }) => [domain === "ai.onnx" ? "" : domain, Number(version)] as const,
  );
  const inner = functionFrame(session, frame, {
    nodes: called.node,
    outputs: called.output,
    inputs: new Map(inputs),
    opsets: new Map([...frame.opsets, ...own]),
    bound: boundAttributes(proto, called.attributeProto, frame.attributes.bound),
    label: label.slice(frame.prefix.length),
    where,
  });
  for (const node of called.node) session.readNode(session, inner, node);
  proto.output.forEach((name, i) => {
    if (name !== "" && frame.used.has(name))
      bind(frame, name, resolvePresent(session, inner, called.output[i]!, where), where);
  });
}
