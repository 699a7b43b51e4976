import { normalAxis } from "../ir/index.ts";
import { int } from "./attributes.ts";
import { defineOp } from "./spec.ts";

function overAxis() {
  return defineOp({
    attrs: { axis: int(-1) },
    inputs: [1, 1],
    kind: "softmax",
    infer: (c) => {
      normalAxis(c.attrs.axis, c.shape(0).length);
      return [c.type(0)];
    },
    couple: "frozen",
    gradient: "not-differentiable",
  });
}

export const Softmax = overAxis();
export const LogSoftmax = overAxis();
