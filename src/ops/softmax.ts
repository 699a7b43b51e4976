import { normalAxis } from "../ir/index.ts";
import { int } from "./attributes.ts";
import { coupleOpaque } from "./coupling-rule.ts";
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
