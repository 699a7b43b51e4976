import { EspalierError } from "../diagnostics/index.ts";
import { normalAxis } from "../ir/index.ts";
import { float, int, ints } from "./attributes.ts";
import { coupleOpaque } from "./coupling-rule.ts";
import * as gradient from "./gradient-norm-axes.ts";
import { checkElements } from "./pointwise.ts";
import { defineOp } from "./spec.ts";

/** x / (sum |x|^p)^(1/p) along an axis, p 1 or 2 (ONNX LpNormalization-1). */
export const LpNormalization = defineOp({
  attrs: { axis: int(-1), p: int(2) },
  inputs: [1, 1],
  kind: "normalization",
  infer: (c) => {
    checkElements(c, 0, "float");
    normalAxis(c.attrs.axis, c.shape(0).length);
    if (c.attrs.p !== 1 && c.attrs.p !== 2)
      throw new EspalierError("input", `LpNormalization is defined for p of 1 and 2, got ${c.attrs.p}`);
    return [c.type(0)];
  },
  couple: (c) => c.divideByNorm([normalAxis(c.facts.attrs.axis, c.facts.shape(0).length)]),
  gradient: gradient.lpNormalization,
});

/**
 * x / (bias + alpha / size * sum x^2)^beta, the sum over `size` channels from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2)
 * (ONNX LRN-13).
 */
export const LRN = defineOp({
  attrs: { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: int() },
  inputs: [1, 1],
  kind: "normalization",
  infer: (c) => {
    checkElements(c, 0, "float");
    c.ranked(0, 3, 8);
    if (c.attrs.size < 1)
      throw new EspalierError("input", `LRN needs a window of at least 1 channel, got ${c.attrs.size}`);
    return [c.type(0)];
  },
  couple: (c) => coupleOpaque(c, [1]),
  gradient: gradient.localResponse,
});

/** (x - mean) / deviation over the stated axes (ONNX MeanVarianceNormalization-13). */
export const MeanVarianceNormalization = defineOp({
  attrs: { axes: ints([0, 2, 3]) },
  inputs: [1, 1],
  kind: "normalization",
  infer: (c) => {
    checkElements(c, 0, "float");
    for (const axis of c.attrs.axes) normalAxis(axis, c.shape(0).length);
    return [c.type(0)];
  },
  couple: (c) => {
    const rank = c.facts.shape(0).length;
    const axes = c.facts.attrs.axes.map((axis) => normalAxis(axis, rank));
    c.normalise(axes, []);
  },
  gradient: gradient.meanVariance,
});
