import { EspalierError } from "../diagnostics/index.ts";
import { broadcastShapes, shapeText } from "../ir/index.ts";
import { int } from "./attributes.ts";
import { coupleBroadcast, couplePass } from "./coupling-rule.ts";
import * as gradients from "./gradient-elementwise.ts";
import { cast } from "./gradient-movement.ts";
import * as curves from "./gradient-trigonometric.ts";
import { broadcasting, broadcastOperands, unary } from "./pointwise.ts";
import { defineOp, typed } from "./spec.ts";

const float = { accepts: "float" } as const;

export const Exp = unary({}, gradients.exp, float);
export const Log = unary({}, gradients.log, float);
export const Sqrt = unary({}, gradients.sqrt, float);
export const Reciprocal = unary({}, gradients.reciprocal, float);
export const Neg = unary({}, gradients.negate);
export const Abs = unary({}, gradients.absolute);
export const Sign = unary({}, gradients.zeroRule);
export const Floor = unary({}, gradients.zeroRule, float);
export const Ceil = unary({}, gradients.zeroRule, float);
/** Ties to even. */
export const Round = unary({}, gradients.zeroRule, float);
export const Erf = unary({}, gradients.erf);
export const Identity = unary({}, gradients.identity);

/** Angles in radians. */
export const Sin = unary({}, curves.sin, float);
export const Cos = unary({}, curves.cos, float);
export const Tan = unary({}, curves.tan, float);
export const Asin = unary({}, curves.asin, float);
export const Acos = unary({}, curves.acos, float);
export const Atan = unary({}, curves.atan, float);
export const Sinh = unary({}, curves.sinh, float);
export const Cosh = unary({}, curves.cosh, float);
export const Asinh = unary({}, curves.asinh, float);
export const Acosh = unary({}, curves.acosh, float);
export const Atanh = unary({}, curves.atanh, float);

export const Add = broadcasting([2, 2], gradients.add);
export const Sub = broadcasting([2, 2], gradients.subtract);
export const Mul = broadcasting([2, 2], gradients.multiply);
export const Div = broadcasting([2, 2], gradients.divide);
export const Min = broadcasting([1, 1024], gradients.extreme);
export const Max = broadcasting([1, 1024], gradients.extreme);
export const Sum = broadcasting([1, 1024], gradients.add, float);
export const Mean = broadcasting([1, 1024], gradients.mean, float);

/** Base and exponent may differ in dtype; the result has the base's (ONNX Pow-15). */
export const Pow = defineOp({
  attrs: {},
  inputs: [2, 2],
  kind: "elementwise",
  infer: (c) => [typed(c.type(0).dtype, broadcastShapes([c.shape(0), c.shape(1)]))],
  couple: coupleBroadcast,
  gradient: gradients.power,
});

/** Remainder: with fmod=1 it has the sign of the dividend (C's fmod), else that of the divisor, for integers only (ONNX Mod-13). */
export const Mod = defineOp({
  attrs: { fmod: int(0) },
  inputs: [2, 2],
  kind: "elementwise",
  infer: (c) => {
    const shape = broadcastOperands(c, c.attrs.fmod === 1 ? "any" : "integer");
    return [typed(c.type(0).dtype, shape)];
  },
  couple: coupleBroadcast,
  gradient: gradients.modulo,
});

/** condition ? x : y, all broadcast. */
export const Where = defineOp({
  attrs: {},
  inputs: [3, 3],
  kind: "elementwise",
  infer: (c) => {
    const [condition, x, y] = [c.type(0), c.type(1), c.type(2)];
    if (condition.dtype !== "bool" || x.dtype !== y.dtype)
      throw new EspalierError(
        "input",
        `Where needs a bool condition and two operands of one dtype, got ${condition.dtype}, ${x.dtype} and ${y.dtype}`,
      );
    return [typed(x.dtype, broadcastShapes([condition.shape, x.shape, y.shape]))];
  },
  couple: coupleBroadcast,
  gradient: gradients.where,
});

/** Inputs 1 and 2 are scalar bounds; either may be absent. */
export const Clip = unary({}, gradients.clip, { extraInputs: 2 });

/** The slope (input 1) broadcasts to x in one direction (ONNX PRelu-16). */
export const PRelu = defineOp({
  attrs: {},
  inputs: [2, 2],
  kind: "elementwise",
  infer: (c) => {
    if (shapeText(broadcastShapes([c.shape(0), c.shape(1)])) !== shapeText(c.shape(0)))
      throw new EspalierError(
        "input",
        `The slope of PRelu, ${shapeText(c.shape(1))}, does not broadcast to ${shapeText(c.shape(0))}`,
      );
    return [c.type(0)];
  },
  couple: coupleBroadcast,
  gradient: gradients.prelu,
});

/** Inference form: the identity. Ratio (input 1) and training_mode (input 2) are ignored; the mask output is refused. */
export const Dropout = defineOp({
  attrs: { seed: int(0) },
  inputs: [1, 3],
  kind: "elementwise",
  infer: (c) => [c.type(0)],
  couple: couplePass,
  gradient: gradients.identity,
});

/** Input 0 in the element type of input 1, whose values are not read (ONNX CastLike-19). */
export const CastLike = defineOp({
  attrs: { saturate: int(1) },
  inputs: [2, 2],
  kind: "elementwise",
  infer: (c) => [typed(c.type(1).dtype, c.shape(0))],
  couple: couplePass,
  gradient: cast,
});
