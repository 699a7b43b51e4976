import { normalAxis } from "../ir/index.ts";
import { int } from "./attributes.ts";
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
    couple: "frozen",
    gradient,
  });
}

export const Softmax = overAxis(gradient.softmax);
export const LogSoftmax = overAxis(gradient.logSoftmax);
