import { normalAxis } from "../ir/index.ts";
import { int } from "./attributes.ts";
import { coupleOpaque } from "./coupling-rule.ts";
import { zeroRule } from "./gradient-elementwise.ts";
import * as gradient from "./gradient-softmax.ts";
import { defineOp, type GradientRule } from "./spec.ts";

function overAxis(gradient: GradientRule<{ readonly axis: number }>) {
  return defineOp({
    attrs: { axis: int(-1) },
    inputs: [1, 1],
    kind: "softmax",
    infer: (c) => {
      normalAxis(c.attrs.axis, c.shape(0).length);
      return [c.type(0)];
    },
    couple: (c) => coupleOpaque(c, [normalAxis(c.facts.attrs.axis, c.facts.shape(0).length)]),
    gradient,
  });
}

export const Softmax = overAxis(gradient.softmax);
export const LogSoftmax = overAxis(gradient.logSoftmax);
/** 1 at the first greatest element along the axis, 0 elsewhere (ONNX Hardmax-13). */
export const Hardmax = overAxis(zeroRule);
