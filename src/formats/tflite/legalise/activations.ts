import type { Rule } from "../../../rewrite/index.ts";
import { type Composer, composition, num } from "./compose.ts";

/** TFLite's ELU has alpha 1: max(x, 0) + alpha ELU(min(x, 0)). */
const elu = composition("elu-of-alpha-1", "Elu", (c) => {
  const alpha = c.attrs.alpha as number;
  return alpha === 1 ? null : scaledElu(c, alpha, 1);
});

/** gamma (max(x, 0) + alpha (exp(min(x, 0)) - 1)); ELU is exact near 0, where exp - 1 is not. */
function scaledElu(c: Composer, alpha: number, gamma: number): number {
  const x = c.in(0);
  const negative = c.op("Mul", [c.op("Elu", [c.op("Min", [x, num(0)])]), num(alpha * gamma)]);
  const positive = c.op("Relu", [x]);
  return c.op("Add", [gamma === 1 ? positive : c.op("Mul", [positive, num(gamma)]), negative]);
}

const selu = composition("selu-as-elu", "Selu", (c) => scaledElu(c, c.attrs.alpha as number, c.attrs.gamma as number));

/** max(0, x) + min(0, alpha (exp(x / alpha) - 1)) = alpha ELU(x / alpha) for alpha > 0. */
const celu = composition("celu-as-elu", "Celu", (c) => {
  const alpha = c.attrs.alpha as number;
  if (!(alpha > 0)) c.refuse(`Celu with alpha ${alpha} has no TFLite form`, "Use an alpha above 0.");
  if (alpha === 1) return c.op("Elu", [c.in(0)]);
  return c.op("Mul", [c.op("Elu", [c.op("Mul", [c.in(0), num(1 / alpha)])]), num(alpha)]);
});

const softsign = composition("softsign-as-quotient", "Softsign", (c) =>
  c.op("Div", [c.in(0), c.op("Add", [c.op("Abs", [c.in(0)]), num(1)])]),
);

const mish = composition("mish-as-product", "Mish", (c) =>
  c.op("Mul", [c.in(0), c.op("Tanh", [c.op("Softplus", [c.in(0)])])]),
);

const thresholded = composition("thresholded-relu-as-choice", "ThresholdedRelu", (c) => {
  const x = c.in(0);
  return c.op("Where", [c.op("Greater", [x, num(c.attrs.alpha as number)]), x, c.number(0)]);
});

/** x < -lambd ? x + bias : x > lambd ? x - bias : 0. */
const shrink = composition("shrink-as-choices", "Shrink", (c) => {
  const x = c.in(0);
  const { bias, lambd } = c.attrs as { bias: number; lambd: number };
  const upper = c.op("Where", [c.op("Greater", [x, num(lambd)]), c.op("Sub", [x, num(bias)]), c.number(0)]);
  return c.op("Where", [c.op("Less", [x, num(-lambd)]), c.op("Add", [x, num(bias)]), upper]);
});

/** 1 at the first largest element along the axis. */
const hardmax = composition("hardmax-as-one-hot", "Hardmax", (c) => {
  const x = c.in(0);
  const shape = c.shape(x);
  const axis = (c.attrs.axis as number) < 0 ? (c.attrs.axis as number) + shape.length : (c.attrs.axis as number);
  const at = c.op("ArgMax", [x], { axis, keepdims: 0, select_last_index: 0 });
  const values = c.tensor("values", { dtype: "float32", shape: [2], data: Float32Array.of(0, 1) });
  return c.op("OneHot", [at, c.number(shape[axis]!, "int64"), values], { axis });
});

/** erf(x) = GELU(sqrt(2) x) / (x / sqrt(2)) - 1, whose limit at 0 is 2 x / sqrt(pi). */
const erf = composition("erf-as-gelu", "Erf", (c) => {
  const x = c.in(0);
  const small = c.op("Less", [c.op("Abs", [x]), num(1e-4)]);
  const safe = c.op("Where", [small, c.number(1), x]);
  const gelu = c.op("Gelu", [c.op("Mul", [safe, num(Math.SQRT2)])]);
  const value = c.op("Sub", [c.op("Div", [gelu, c.op("Mul", [safe, num(Math.SQRT1_2)])]), num(1)]);
  return c.op("Where", [small, c.op("Mul", [x, num(2 / Math.sqrt(Math.PI))]), value]);
});

/** Activations that TFLite has no kernel for, of those that it has. */
export const activationRules: readonly Rule[] = [elu, selu, celu, softsign, mish, thresholded, shrink, hardmax, erf];
