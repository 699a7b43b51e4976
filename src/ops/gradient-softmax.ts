import { formulaOf } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";

/** y = softmax(x): dx = y (dy - sum(dy y)). */
export const softmax: GradientRule<{ readonly axis: number }> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [y, dy] = [c.outputs[0]!, c.outputGradients[0]!];
  return [f.mul(y, f.sub(dy, f.sum(f.mul(dy, y), [c.attrs.axis])))];
};

/** y = log softmax(x): dx = dy - e^y sum(dy). */
export const logSoftmax: GradientRule<{ readonly axis: number }> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [y, dy] = [c.outputs[0]!, c.outputGradients[0]!];
  return [f.sub(dy, f.mul(f.node("Exp", [y]), f.sum(dy, [c.attrs.axis])))];
};
