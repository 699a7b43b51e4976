import { staticDim } from "../ir/index.ts";
import { type AttributeSpecs, type AttributesOf, int, ints, string } from "./attributes.ts";
import { coupleOpaque, coupleWindow } from "./coupling-rule.ts";
import * as gradient from "./gradient-window.ts";
import { defineOp, type GradientRule, typed } from "./spec.ts";
import { resolveWindow, windowOutput } from "./window.ts";

const poolAttributes = {
  auto_pad: string("NOTSET"),
  ceil_mode: int(0),
  dilations: ints(),
  kernel_shape: ints(),
  pads: ints(),
  strides: ints(),
};

/** Outputs: the greatest element of each window, and its index in the flattened input (ONNX MaxPool-12). */
export const MaxPool = defineOp({
  attrs: { ...poolAttributes, storage_order: int(0) },
  inputs: [1, 1],
  kind: "pool",
  infer: (c) => {
    const x = c.ranked(0, 3, 5);
    const window = resolveWindow(c.op, c.attrs, c.attrs.kernel_shape, x.slice(2));
    const shape = [x[0]!, x[1]!, ...windowOutput(c.op, window, x.slice(2), c.attrs.ceil_mode === 1)];
    return [typed(c.type(0).dtype, shape), typed("int64", shape)];
  },
  // Indices count through the whole input: they would change with any cut.
  couple: (c) =>
    c.facts.outputCount > 1
      ? coupleOpaque(
          c,
          c.facts.shape(0).map((_, i) => i),
        )
      : coupleWindow(c),
  gradient: gradient.maxPool,
});

export const AveragePool = defineOp({
  attrs: { ...poolAttributes, count_include_pad: int(0) },
  inputs: [1, 1],
  kind: "pool",
  infer: (c) => {
    const x = c.ranked(0, 3, 5);
    const window = resolveWindow(c.op, c.attrs, c.attrs.kernel_shape, x.slice(2));
    return [typed(c.type(0).dtype, [x[0]!, x[1]!, ...windowOutput(c.op, window, x.slice(2), c.attrs.ceil_mode === 1)])];
  },
  couple: coupleWindow,
  gradient: gradient.averagePool,
});

/** (sum over the window of |x|^p)^(1/p) (ONNX LpPool-18). */
export const LpPool = defineOp({
  attrs: { ...poolAttributes, p: int(2) },
  inputs: [1, 1],
  kind: "pool",
  infer: (c) => {
    const x = c.ranked(0, 3, 5);
    const window = resolveWindow(c.op, c.attrs, c.attrs.kernel_shape, x.slice(2));
    return [typed(c.type(0).dtype, [x[0]!, x[1]!, ...windowOutput(c.op, window, x.slice(2), c.attrs.ceil_mode === 1)])];
  },
  couple: coupleWindow,
  gradient: gradient.lpPool,
});

function globalPool<S extends AttributeSpecs>(attrs: S, gradient: GradientRule<AttributesOf<S>>) {
  return defineOp({
    attrs,
    inputs: [1, 1],
    kind: "pool",
    infer: (c) => {
      const x = c.ranked(0, 3, 5);
      for (const dim of x.slice(2)) staticDim(dim, `A spatial size of ${c.op}`);
      return [typed(c.type(0).dtype, [x[0]!, x[1]!, ...x.slice(2).map(() => 1)])];
    },
    couple: coupleWindow,
    gradient,
  });
}

export const GlobalAveragePool = globalPool({}, gradient.globalAveragePool);
export const GlobalMaxPool = globalPool({}, gradient.globalMaxPool);
/** (sum over all positions of |x|^p)^(1/p) (ONNX GlobalLpPool-2). */
export const GlobalLpPool = globalPool({ p: int(2) }, gradient.globalLpPool);
