import type { TfliteModel, TfliteSubgraph } from "../codec/index.ts";
import type { OperatorReaders, Step } from "./step.ts";
import { irDtypeOf } from "./stored.ts";

function varHandle(s: Step): void {
  const { container, sharedName } = s.options("VarHandleOptions");
  s.values.resources.set(s.outAt(0), `${container ?? ""}/${sharedName ?? ""}`);
}

/** Key of the variable behind input 0, and a name for people. */
function variable(s: Step): { key: string; name: string } {
  const resource = s.values.resources.get(s.at(0));
  if (resource === undefined)
    return s.refuse(`${s.operator.opcode} of a variable that is not made by VAR_HANDLE in the same subgraph`);
  return { key: `resource ${resource}`, name: resource.replace(/^\//, "") || "variable" };
}

function readVariable(s: Step): void {
  const { key, name } = variable(s);
  const { shape } = s.outTensor();
  const open = s.outTensor().shapeSignature ?? shape;
  if (open.some((dim) => dim < 0) && !s.state.has(key)) s.refuse(`The variable "${name}" has no fixed shape`);
  s.putRaw(0, s.state.read(key, name, { dtype: irDtypeOf(s.outTensor()), shape }));
}

function assignVariable(s: Step): void {
  const { key, name } = variable(s);
  s.state.write(key, name, s.raw(1));
}

export const VARIABLES: OperatorReaders = {
  VAR_HANDLE: { read: varHandle, gives: [] },
  READ_VARIABLE: { read: readVariable, gives: [] },
  ASSIGN_VARIABLE: { read: assignVariable, gives: [] },
};

/** What stands in the way of leaving out an initialisation: null when all it does is setting variables to zero. */
export function initialisation(model: TfliteModel, subgraph: TfliteSubgraph): string | null {
  for (const operator of subgraph.operators) {
    if (operator.opcode === "VAR_HANDLE") continue;
    if (operator.opcode !== "ASSIGN_VARIABLE") return operator.opcode;
    const tensor = subgraph.tensors[operator.inputs[1] ?? -1];
    const data = tensor === undefined ? undefined : model.buffers[tensor.buffer];
    if (data === undefined || data.length === 0) return "ASSIGN_VARIABLE of a computed value";
    if (data.some((byte) => byte !== 0)) return "a start value other than zero";
  }
  return null;
}
