import { EspalierError } from "../diagnostics/index.ts";
import { Conv } from "./conv.ts";
import { MatMul } from "./matmul.ts";
import { defineOp, OpContext, typed } from "./spec.ts";

/** Refuses operands that are not 8-bit integers. */
function check8Bit(c: OpContext<unknown>): void {
  for (const i of [0, 1])
    if (c.type(i).dtype !== "uint8" && c.type(i).dtype !== "int8")
      throw new EspalierError("input", `${c.op} needs input ${i} to be uint8 or int8, got ${c.type(i).dtype}`);
}

/** The facts without the zero points (inputs 2 and 3), as the operator without them sees them. */
function plain<A>(c: OpContext<A>, op: string): OpContext<A> {
  return new OpContext(op, c.attrs, c.inputs.slice(0, 2), c.outputCount);
}

/** (A - a_zero_point) * (B - b_zero_point) in int32 (ONNX MatMulInteger-10); inputs A, B, a_zero_point, b_zero_point. */
export const MatMulInteger = defineOp({
  attrs: {},
  inputs: [2, 4],
  kind: "matmul",
  infer: (c) => {
    check8Bit(c);
    return [typed("int32", MatMul.infer(plain(c, c.op))[0]!.shape)];
  },
  macs: (c, outputs) => MatMul.macs!(plain(c, c.op), outputs),
  couple: "frozen",
  gradient: "not-differentiable",
});

/** Convolution of x - x_zero_point with w - w_zero_point in int32 (ONNX ConvInteger-10); inputs x, w, x_zero_point, w_zero_point. */
export const ConvInteger = defineOp({
  attrs: Conv.attrs,
  inputs: [2, 4],
  kind: "conv",
  infer: (c) => {
    check8Bit(c);
    return [typed("int32", Conv.infer(plain(c, c.op))[0]!.shape)];
  },
  macs: (c, outputs) => Conv.macs!(plain(c, c.op), outputs),
  couple: "frozen",
  gradient: "not-differentiable",
});

/**
 * y = saturate(round(x / scale) + zero_point) in uint8 with scale = (max(x, 0) - min(x, 0)) / 255 taken from x itself; outputs y, scale, zero_point
 * (ONNX DynamicQuantizeLinear-11).
 */
export const DynamicQuantizeLinear = defineOp({
  attrs: {},
  inputs: [1, 1],
  kind: "elementwise",
  infer: (c) => {
    if (c.type(0).dtype !== "float32")
      throw new EspalierError("input", `DynamicQuantizeLinear needs float32, got ${c.type(0).dtype}`);
    return [typed("uint8", c.shape(0)), typed("float32", []), typed("uint8", [])];
  },
  couple: "frozen",
  gradient: "not-differentiable",
});
