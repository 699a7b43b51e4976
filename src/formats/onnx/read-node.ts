import { EspalierError, suggestion } from "../../diagnostics/index.ts";
import type { ValueId } from "../../ir/index.ts";
import { readAttributes } from "./attributes.ts";
import type { NodeProto } from "./codec/generated/onnx_pb.ts";
import { readConstant } from "./constant.ts";
import { inlineFunction } from "./control/function.ts";
import { CONTROL } from "./control/registry.ts";
import { DECOMPOSITIONS, MICROSOFT } from "./decompose/registry.ts";
import { FileNode } from "./file-node.ts";
import { bind, type Frame, type ReadNode, resolve, type Session } from "./session.ts";
import { UPGRADES } from "./upgrade/registry.ts";
import { fromZeros, orZeros } from "./zero-state.ts";

/** "" is the domain of ONNX itself, which may also be spelled out. */
function domainOf(proto: NodeProto): string {
  return proto.domain === "ai.onnx" ? "" : proto.domain;
}

/** The key of a function among the model's functions. */
export function functionKey(domain: string, name: string, overload: string): string {
  return [domain === "ai.onnx" ? "" : domain, name, overload].join("\u0000");
}

function refuseOperator(proto: NodeProto, domain: string, where: string): never {
  if (domain === "com.microsoft")
    throw new EspalierError(
      "unsupported",
      `Operator "${proto.opType}" of the domain "com.microsoft" is not supported`,
      {
        where,
        hint: suggestion(proto.opType, [...MICROSOFT.keys()]),
      },
    );
  throw new EspalierError(
    "unsupported",
    `Operator "${proto.opType}" belongs to the domain "${domain}", which is not supported`,
    { where, hint: "Export the model with standard ONNX operators only." },
  );
}

/** The outputs of a node as the graph will name them; null where nothing reads one. */
function outputNames(session: Session, frame: Frame, proto: NodeProto): (string | null)[] {
  return proto.output.map((name) => {
    if (name === "" || !frame.used.has(name)) return null;
    return frame.prefix === "" ? name : session.fresh(frame.prefix + name);
  });
}

function fileNode(session: Session, frame: Frame, proto: NodeProto, label: string, where: string): FileNode {
  const domain = domainOf(proto);
  const inputs = proto.input.map((name) => (name === "" ? null : resolve(session, frame, name, where)));
  while (inputs.length > 0 && inputs[inputs.length - 1] === null) inputs.pop();
  return new FileNode(session, {
    op: proto.opType,
    opset: frame.opsets.get(domain) ?? 1,
    inputs,
    attrs: readAttributes(proto, where, frame.attributes),
    outputs: outputNames(session, frame, proto),
    declared: proto.output.filter((name) => name !== "").length,
    label,
    where,
  });
}

/** Outputs of a node of the file: upgraded, and decomposed where the operator table has no operator for it. */
function outputsOf(node: FileNode, domain: string): readonly (ValueId | null)[] {
  if (domain === "com.microsoft") {
    const made = MICROSOFT.get(node.op)?.(node) ?? null;
    return made ?? node.self();
  }
  UPGRADES.get(node.op)?.(node);
  const made = DECOMPOSITIONS.get(node.op)?.(node) ?? null;
  return made ?? node.self();
}

/** Operators that only hand on elements: 4-bit weights stay 4-bit weights behind them. */
const MOVES = new Set([
  "Concat",
  "Flatten",
  "Gather",
  "Identity",
  "Reshape",
  "Slice",
  "Squeeze",
  "Transpose",
  "Unsqueeze",
]);
/** Operators that read the number itself, whatever type it was stored in. */
const READS = new Set(["Cast", "DequantizeLinear"]);

/** Whether a node reads 4-bit weights, which are read into 8 bits: what would saturate to their type is refused. */
function readsNarrow(session: Session, node: FileNode): boolean {
  const found = node.inputs.find((id) => id !== null && session.narrow.has(id)) ?? null;
  if (found === null) return false;
  if (!MOVES.has(node.op) && !READS.has(node.op))
    node.fail(
      `${node.op} reads the 4-bit weights "${session.builder.value(found).name}"`,
      "4-bit integers are supported behind DequantizeLinear only.",
    );
  return true;
}

/** Reads a node into the graph, whatever it is. */
export const readNode: ReadNode = (session, frame, proto) => {
  const label = frame.prefix + (proto.name === "" ? (proto.output[0] ?? proto.opType) : proto.name);
  const where = `node "${label}" (${proto.opType})`;
  session.step(where);
  if (proto.output.every((name) => !frame.used.has(name))) return;
  const domain = domainOf(proto);
  const called = session.functions.get(functionKey(domain, proto.opType, proto.overload));
  if (called !== undefined) return inlineFunction(session, frame, { proto, called, label, where });
  const control = domain === "" ? CONTROL.get(proto.opType) : undefined;
  if (control !== undefined) return control(session, frame, { proto, label, where });
  if (domain !== "" && (domain !== "com.microsoft" || !MICROSOFT.has(proto.opType)))
    return refuseOperator(proto, domain, where);
  if (domain === "" && proto.opType === "Constant") return readConstant(session, frame, { proto, where });
  const node = fileNode(session, frame, proto, label, where);
  const narrow = readsNarrow(session, node);
  const outputs = fromZeros(node) ?? orZeros(node, () => outputsOf(node, domain));
  if (narrow && MOVES.has(node.op)) for (const id of outputs) if (id !== null) session.narrow.add(id);
  proto.output.forEach((name, i) => {
    const id = outputs[i] ?? null;
    if (name !== "" && id !== null) bind(frame, name, id, where);
  });
};
