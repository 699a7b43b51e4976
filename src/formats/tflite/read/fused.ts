import type { ValueId } from "../../../ir/index.ts";
import type { ActivationFunctionType } from "../codec/index.ts";
import type { Step } from "./step.ts";

/** x limited to [low, high]. */
export function clip(s: Step, x: ValueId, low: number, high: number): ValueId {
  return s.node("Clip", [x, s.scalar(low), s.scalar(high)]);
}

/** The activation that an operator of TFLite applies to its own result. */
export function activated(s: Step, x: ValueId, activation: ActivationFunctionType): ValueId {
  switch (activation) {
    case "NONE":
      return x;
    case "RELU":
      return s.node("Relu", [x]);
    case "RELU_N1_TO_1":
      return clip(s, x, -1, 1);
    case "RELU6":
      return clip(s, x, 0, 6);
    case "TANH":
      return s.node("Tanh", [x]);
    default:
      return s.refuse(`The fused activation ${activation} is not supported`);
  }
}
