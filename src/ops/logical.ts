import { EspalierError } from "../diagnostics/index.ts";
import { int, string } from "./attributes.ts";
import { coupleBroadcast } from "./coupling-rule.ts";
import { broadcasting, broadcastOperands, unary } from "./pointwise.ts";
import { defineOp, typed } from "./spec.ts";

const none = "not-differentiable";
const comparison = { result: "bool" } as const;
const bools = { accepts: "bool" } as const;
const integers = { accepts: "integer" } as const;

export const Equal = broadcasting([2, 2], none, comparison);
export const Greater = broadcasting([2, 2], none, comparison);
export const GreaterOrEqual = broadcasting([2, 2], none, comparison);
export const Less = broadcasting([2, 2], none, comparison);
export const LessOrEqual = broadcasting([2, 2], none, comparison);
export const And = broadcasting([2, 2], none, bools);
export const Or = broadcasting([2, 2], none, bools);
export const Xor = broadcasting([2, 2], none, bools);
export const Not = unary({}, none, bools);
export const IsNaN = unary({}, none, { accepts: "float", result: "bool" });
/** Either sign can be left out (ONNX IsInf-20). */
export const IsInf = unary({ detect_negative: int(1), detect_positive: int(1) }, none, {
  accepts: "float",
  result: "bool",
});

export const BitwiseAnd = broadcasting([2, 2], none, integers);
export const BitwiseOr = broadcasting([2, 2], none, integers);
export const BitwiseXor = broadcasting([2, 2], none, integers);
export const BitwiseNot = unary({}, none, integers);

/** Input 0 shifted by input 1 bits to the LEFT or RIGHT (ONNX BitShift-11). */
export const BitShift = defineOp({
  attrs: { direction: string() },
  inputs: [2, 2],
  kind: "elementwise",
  infer: (c) => {
    if (c.attrs.direction !== "LEFT" && c.attrs.direction !== "RIGHT")
      throw new EspalierError("input", `BitShift goes "LEFT" or "RIGHT", got "${c.attrs.direction}"`);
    const shape = broadcastOperands(c, "unsigned");
    return [typed(c.type(0).dtype, shape)];
  },
  couple: coupleBroadcast,
  gradient: none,
});
