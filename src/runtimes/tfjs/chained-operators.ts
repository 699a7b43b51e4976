import type * as tf from "@tensorflow/tfjs-core";

/** Operators that tfjs-layers may call as methods of a tensor; the core alone has them as functions only. */
const methods = [
  "abs",
  "acos",
  "add",
  "all",
  "any",
  "argMax",
  "argMin",
  "atan",
  "avgPool",
  "batchNorm",
  "cast",
  "ceil",
  "clipByValue",
  "concat",
  "conv2d",
  "cos",
  "cosh",
  "cumsum",
  "depthwiseConv2d",
  "div",
  "dot",
  "elu",
  "equal",
  "erf",
  "exp",
  "expandDims",
  "floor",
  "floorDiv",
  "gather",
  "greater",
  "greaterEqual",
  "isNaN",
  "leakyRelu",
  "less",
  "lessEqual",
  "log",
  "logSumExp",
  "logicalAnd",
  "logicalNot",
  "logicalOr",
  "matMul",
  "max",
  "maxPool",
  "maximum",
  "mean",
  "min",
  "minimum",
  "mod",
  "mul",
  "neg",
  "norm",
  "notEqual",
  "oneHot",
  "pad",
  "pow",
  "prelu",
  "prod",
  "reciprocal",
  "relu",
  "reshape",
  "reverse",
  "round",
  "rsqrt",
  "sigmoid",
  "sign",
  "sin",
  "slice",
  "softmax",
  "softplus",
  "split",
  "sqrt",
  "square",
  "squaredDifference",
  "squeeze",
  "stack",
  "stridedSlice",
  "sub",
  "sum",
  "tan",
  "tanh",
  "tile",
  "topk",
  "transpose",
  "unstack",
  "where",
] as const;

type Method = (this: tf.Tensor, ...rest: unknown[]) => unknown;

/**
 * Gives tensors the methods that tfjs-layers needs. The package has a file for it, which is an ES module that Node cannot
 * load (its package.json says CommonJS).
 */
export function addChainedOperators(core: typeof tf): void {
  const prototype = core.Tensor.prototype as unknown as Record<string, Method | undefined>;
  const functions = core as unknown as Record<string, (x: tf.Tensor, ...rest: unknown[]) => unknown>;
  for (const name of methods) {
    prototype[name] ??= function (...rest) {
      return functions[name]!(this, ...rest);
    };
  }
  prototype.flatten ??= function () {
    return core.reshape(this, [this.size]);
  };
  prototype.asType ??= function (dtype) {
    return core.cast(this, dtype as tf.DataType);
  };
  prototype.toInt ??= function () {
    return core.cast(this, "int32");
  };
  prototype.toFloat ??= function () {
    return core.cast(this, "float32");
  };
}
