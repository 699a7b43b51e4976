import { EspalierError } from "../diagnostics/index.ts";
import { float, string } from "./attributes.ts";
import { couplePass } from "./coupling-rule.ts";
import * as gradient from "./gradient-activation.ts";
import { checkElements, unary } from "./pointwise.ts";
import { defineOp } from "./spec.ts";

const floats = { accepts: "float" } as const;

export const Relu = unary({}, gradient.relu);
export const LeakyRelu = unary({ alpha: float(0.01) }, gradient.leakyRelu, floats);
/** x above alpha, 0 elsewhere (ONNX ThresholdedRelu-10). */
export const ThresholdedRelu = unary({ alpha: float(1) }, gradient.thresholdedRelu, floats);
export const Elu = unary({ alpha: float(1) }, gradient.elu, floats);
/** max(0, x) + min(0, alpha (e^(x / alpha) - 1)) (ONNX Celu-12). */
export const Celu = unary({ alpha: float(1) }, gradient.celu, floats);
/** gamma x for x > 0, else gamma alpha (e^x - 1) (ONNX Selu-6, whose defaults are these float32 numbers). */
export const Selu = unary(
  { alpha: float(1.6732631921768188), gamma: float(1.0507010221481323) },
  gradient.selu,
  floats,
);
export const Sigmoid = unary({}, gradient.sigmoid, floats);
export const HardSigmoid = unary({ alpha: float(0.2), beta: float(0.5) }, gradient.hardSigmoid, floats);
/** x * max(0, min(1, x / 6 + 1/2)) (ONNX HardSwish-14). */
export const HardSwish = unary({}, gradient.hardSwish, floats);
export const Tanh = unary({}, gradient.tanh, floats);
export const Softplus = unary({}, gradient.softplus, floats);
/** x / (1 + |x|). */
export const Softsign = unary({}, gradient.softsign, floats);
/** x tanh(softplus(x)) (ONNX Mish-18). */
export const Mish = unary({}, gradient.mish, floats);
/** x + bias below -lambd, x - bias above lambd, 0 between (ONNX Shrink-9). */
export const Shrink = unary({ bias: float(0), lambd: float(0.5) }, gradient.shrink);

/** x times the normal distribution's cumulative function, exactly ("none") or by tanh (ONNX Gelu-20). */
export const Gelu = defineOp({
  attrs: { approximate: string("none") },
  inputs: [1, 1],
  kind: "elementwise",
  infer: (c) => {
    checkElements(c, 0, "float");
    if (c.attrs.approximate !== "none" && c.attrs.approximate !== "tanh")
      throw new EspalierError("input", `Gelu knows the approximations "none" and "tanh", got "${c.attrs.approximate}"`);
    return [c.type(0)];
  },
  couple: couplePass,
  gradient: gradient.gelu,
});
