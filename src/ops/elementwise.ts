import { EspalierError } from "../diagnostics/index.ts";
import { broadcastShapes, shapeText } from "../ir/index.ts";
import type { DType } from "../tensor/index.ts";
import type { AttributesOf } from "./attributes.ts";
import { type AttributeSpecs, float, int } from "./attributes.ts";
import { coupleBroadcast, couplePass } from "./coupling-rule.ts";
import * as gradients from "./gradient-elementwise.ts";
import { defineOp, type GradientRule, typed } from "./spec.ts";

/** An operator that maps each element on its own; output type = input type. */
function unary<S extends AttributeSpecs>(attrs: S, gradient: GradientRule<AttributesOf<S>>, extraInputs = 0) {
  return defineOp({
    attrs,
    inputs: [1, 1 + extraInputs],
    kind: "elementwise",
    infer: (c) => [c.type(0)],
    couple: couplePass,
    gradient,
  });
}

/** An operator over broadcast operands of one dtype. */
function broadcasting(inputs: readonly [number, number], gradient: GradientRule<Record<never, never>>, result?: DType) {
  return defineOp({
    attrs: {},
    inputs,
    kind: "elementwise",
    infer: (c) => {
      const types = c.inputs.map((_, i) => c.type(i));
      const odd = types.find((t) => t.dtype !== types[0]!.dtype);
      if (odd !== undefined)
        throw new EspalierError(
          "input",
          `${c.op} needs operands of one dtype, got ${types[0]!.dtype} and ${odd.dtype}`,
        );
      return [typed(result ?? types[0]!.dtype, broadcastShapes(types.map((t) => t.shape)))];
    },
    couple: coupleBroadcast,
    gradient,
  });
}

export const Relu = unary({}, gradients.relu);
export const LeakyRelu = unary({ alpha: float(0.01) }, gradients.leakyRelu);
export const Elu = unary({ alpha: float(1) }, gradients.elu);
export const Sigmoid = unary({}, gradients.sigmoid);
export const HardSigmoid = unary({ alpha: float(0.2), beta: float(0.5) }, gradients.hardSigmoid);
/** x * max(0, min(1, x / 6 + 1/2)) (ONNX HardSwish-14). */
export const HardSwish = unary({}, gradients.hardSwish);
export const Tanh = unary({}, gradients.tanh);
export const Softplus = unary({}, gradients.softplus);
export const Erf = unary({}, gradients.erf);
/** Inputs 1 and 2 are scalar bounds; either may be absent. */
export const Clip = unary({}, gradients.clip, 2);
export const Exp = unary({}, gradients.exp);
export const Log = unary({}, gradients.log);
export const Sqrt = unary({}, gradients.sqrt);
export const Reciprocal = unary({}, gradients.reciprocal);
export const Neg = unary({}, gradients.negate);
export const Abs = unary({}, gradients.absolute);
export const Sign = unary({}, gradients.zeroRule);
export const Floor = unary({}, gradients.zeroRule);
export const Ceil = unary({}, gradients.zeroRule);
export const Round = unary({}, gradients.zeroRule);
export const Not = unary({}, "not-differentiable");
export const Identity = unary({}, gradients.identity);

export const Add = broadcasting([2, 2], gradients.add);
export const Sub = broadcasting([2, 2], gradients.subtract);
export const Mul = broadcasting([2, 2], gradients.multiply);
export const Div = broadcasting([2, 2], gradients.divide);
export const Min = broadcasting([1, 64], gradients.extreme);
export const Max = broadcasting([1, 64], gradients.extreme);
export const Sum = broadcasting([1, 64], gradients.add);
export const Equal = broadcasting([2, 2], "not-differentiable", "bool");
export const Greater = broadcasting([2, 2], "not-differentiable", "bool");
export const GreaterOrEqual = broadcasting([2, 2], "not-differentiable", "bool");
export const Less = broadcasting([2, 2], "not-differentiable", "bool");
export const LessOrEqual = broadcasting([2, 2], "not-differentiable", "bool");
export const And = broadcasting([2, 2], "not-differentiable", "bool");
export const Or = broadcasting([2, 2], "not-differentiable", "bool");

/** Base and exponent may differ in dtype; the result has the base's (ONNX Pow-15). */
export const Pow = defineOp({
  attrs: {},
  inputs: [2, 2],
  kind: "elementwise",
  infer: (c) => [typed(c.type(0).dtype, broadcastShapes([c.shape(0), c.shape(1)]))],
  couple: coupleBroadcast,
  gradient: gradients.power,
});

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

/** condition ? x : y, all broadcast. */
export const Where = defineOp({
  attrs: {},
  inputs: [3, 3],
  kind: "elementwise",
  infer: (c) => [typed(c.type(1).dtype, broadcastShapes([c.shape(0), c.shape(1), c.shape(2)]))],
  couple: coupleBroadcast,
  gradient: gradients.where,
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
