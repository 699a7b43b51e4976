import type { TfliteOperator, TfliteTensor } from "./model.ts";
import type { Operands } from "./version-conditions.ts";
import { VERSION_RULES } from "./version-rules.ts";

/** The lowest version of a builtin operator that a runtime must know to run it on these operands. */
export function operatorVersion(operator: TfliteOperator, tensors: readonly TfliteTensor[]): number {
  const options = operator.options as Readonly<Record<string, unknown>> | undefined;
  const operands: Operands = {
    inputs: operator.inputs.map((index) => tensors[index]),
    outputs: operator.outputs.map((index) => tensors[index]),
    option: (name) => options?.[name] ?? ABSENT_OPTIONS[name],
  };
  const rule = VERSION_RULES[operator.opcode]?.find(([, when]) => when(operands));
  return rule?.[0] ?? 1;
}

/** Schema defaults that are not falsy, for operators stored without an options table. */
const ABSENT_OPTIONS: Readonly<Record<string, unknown>> = {
  dilationWFactor: 1,
  dilationHFactor: 1,
  potScaleInt16: true,
  quantizedBiasType: "FLOAT32",
  fusedActivationFunction: "NONE",
};
