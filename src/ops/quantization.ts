import { EspalierError } from "../diagnostics/index.ts";
import { normalAxis, shapeText } from "../ir/index.ts";
import { DTYPES, dtypeFromOnnx } from "../tensor/index.ts";
import { int } from "./attributes.ts";
import { coupleScale } from "./coupling-movement.ts";
import { couplePass } from "./coupling-rule.ts";
import { cast } from "./gradient-movement.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

/** A scale is one number, or one a slice of `axis`. */
function checkScale(c: OpContext<{ readonly axis: number }>): void {
  const scale = c.shape(1);
  if (scale.length === 0 || (scale.length === 1 && scale[0] === 1)) return;
  const x = c.shape(0);
  const axis = normalAxis(c.attrs.axis, x.length);
  if (scale.length !== 1 || scale[0] !== x[axis])
    throw new EspalierError(
      "input",
      `${c.op} on axis ${axis} of ${shapeText(x)} needs ${x[axis]} scales, got ${shapeText(scale)}`,
    );
}

/** y = saturate(round(x / scale) + zero_point), ties to even (ONNX QuantizeLinear-19); inputs x, scale, zero_point. */
export const QuantizeLinear = defineOp({
  attrs: { axis: int(1), saturate: int(1) },
  inputs: [2, 3],
  kind: "quantization",
  infer: (c) => {
    checkScale(c);
    return [typed(c.has(2) ? c.type(2).dtype : "uint8", c.shape(0))];
  },
  couple: coupleScale,
  gradient: "not-differentiable",
});

/** y = (x - zero_point) * scale (ONNX DequantizeLinear-19); inputs x, scale, zero_point. */
export const DequantizeLinear = defineOp({
  attrs: { axis: int(1) },
  inputs: [2, 3],
  kind: "quantization",
  infer: (c) => {
    checkScale(c);
    return [typed(c.type(1).dtype, c.shape(0))];
  },
  couple: coupleScale,
  gradient: "not-differentiable",
});

export const Cast = defineOp({
  attrs: { to: int(), saturate: int(1) },
  inputs: [1, 1],
  kind: "elementwise",
  infer: (c) => {
    const dtype = dtypeFromOnnx(c.attrs.to);
    if (dtype === null)
      throw new EspalierError("unsupported", `Cast to ONNX data type ${c.attrs.to} is not supported`, {
        hint: `Supported: ${Object.keys(DTYPES).join(", ")}.`,
      });
    return [typed(dtype, c.shape(0))];
  },
  couple: couplePass,
  gradient: cast,
});
