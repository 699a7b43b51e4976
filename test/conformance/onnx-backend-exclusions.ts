import type { CaseResult } from "./onnx-backend.ts";

/** Reasons for which a test is refused by design, by what the refusal says. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/is a sequence or an optional/, "sequences and optionals: the IR has tensors only"],
  [/element type string/, "text"],
  [/element type (float8|float4|float8e8m0|int2|uint2|complex)/, "element types that the IR does not hold"],
  [/Values of the element type u?int4/, "4-bit integers other than weights"],
  [/the size of its result depends on data/, "sizes that depend on data"],
  [/its result is random|Dropout in training mode/, "random results"],
  [/states no ONNX opset|belongs to the domain/, "operators of other domains (training, classical machine learning)"],
  [/Operator "\w+" is not supported$/, "operators that the table does not declare"],
  [/^Opset (2[4-9]|[3-9]\d) is not supported/, "opsets after 23"],
  [/Scan of opset 8/, "Scan as opset 8 had it, which opset 9 replaced"],
];

/** Why a refused test is refused by design; null when it should pass. */
export function exclusionOf({ reason }: CaseResult): string | null {
  return REASONS.find(([pattern]) => pattern.test(reason))?.[1] ?? null;
}
