import { normalAxis, type ValueId } from "../ir/index.ts";
import { scalar } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";

/** y = x / n. p = 2: dx = (dy - y sum(dy y)) / n; p = 1: dx = (dy - sign(x) sum(dy y)) / n. */
export const lpNormalization: GradientRule<{ readonly axis: number; readonly p: number }> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [x, y, dy] = [c.inputs[0]!, c.outputs[0]!, c.outputGradients[0]!];
  const axes = [normalAxis(c.attrs.axis, f.shape(x).length)];
  const n = f.node(c.attrs.p === 1 ? "ReduceL1" : "ReduceL2", [x, f.ints(axes)]);
  const along = f.sum(f.mul(dy, y), axes);
  return [f.div(f.sub(dy, f.mul(c.attrs.p === 1 ? f.node("Sign", [x]) : y, along)), n)];
};

/** y = (x - m) / s: dx = (dy - mean(dy) - y mean(dy y)) / s. */
export const meanVariance: GradientRule<{ readonly axes: readonly number[] }> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [x, y, dy] = [c.inputs[0]!, c.outputs[0]!, c.outputGradients[0]!];
  const mean = (id: ValueId) => f.node("ReduceMean", [id, f.ints(c.attrs.axes)]);
  const centred = f.sub(x, mean(x));
  const deviation = f.node("Sqrt", [mean(f.mul(centred, centred))]);
  return [f.div(f.sub(f.sub(dy, mean(dy)), f.mul(y, mean(f.mul(dy, y)))), deviation)];
};

/** Sums over windows of channels that reach `before` back and `after` forward. */
function channelWindows(f: Formula, x: ValueId, before: number, after: number): ValueId {
  const shape = f.shape(x);
  const padded = [0, before, ...shape.slice(2).map(() => 0), 0, after, ...shape.slice(2).map(() => 0)];
  const wide = f.node("Pad", [x, f.ints(padded), f.constant(scalar("float32", 0))]);
  const size = before + after + 1;
  const rest = shape.slice(2).reduce((a, b) => a * b, 1);
  const plane = f.reshape(wide, [shape[0]!, 1, shape[1]! + size - 1, rest]);
  const mean = f.node("AveragePool", [plane], { kernel_shape: [size, 1] });
  return f.mul(f.reshape(mean, shape), f.number(size));
}

/** y_c = x_c s_c^-beta, s = bias + k windows(x^2), k = alpha / size: dx = dy s^-beta - 2 k beta x mirrored windows(dy y / s). */
export const localResponse: GradientRule<{
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
  readonly size: number;
}> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [x, y, dy] = [c.inputs[0]!, c.outputs[0]!, c.outputGradients[0]!];
  const { alpha, beta, bias, size } = c.attrs;
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const squares = f.mul(channelWindows(f, f.mul(x, x), before, after), f.number(alpha / size));
  const s = f.add(squares, f.number(bias));
  const own = f.mul(dy, f.node("Pow", [s, f.number(-beta)]));
  const others = channelWindows(f, f.div(f.mul(dy, y), s), after, before);
  return [f.sub(own, f.mul(f.mul(x, others), f.number((2 * alpha * beta) / size)))];
};
