import type { ValueId } from "../../../ir/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { type Composer, composition, num } from "./compose.ts";

/** A reduction of what `before` makes of the input, with the node's own axes and keepdims, and `after` on its result. */
function reduced(
  op: string,
  by: string,
  before: (c: Composer, x: ValueId) => ValueId,
  after: (c: Composer, y: ValueId) => ValueId = (_, y) => y,
): Rule {
  return composition(`${op.toLowerCase()}-composed`, op, (c) => {
    const inputs = [before(c, c.in(0)), ...c.node.inputs.slice(1)];
    const { keepdims, noop_with_empty_axes } = c.attrs as { keepdims: number; noop_with_empty_axes: number };
    return after(c, c.op(by, inputs, { keepdims, noop_with_empty_axes }));
  });
}

const square = (c: Composer, x: ValueId) => c.op("Mul", [x, x]);
const root = (c: Composer, y: ValueId) => c.op("Sqrt", [y]);
const logarithm = (c: Composer, y: ValueId) => c.op("Log", [y]);

/** max + log(sum(exp(x - max))): no overflow. */
const logSumExp = composition("reduce-log-sum-exp-composed", "ReduceLogSumExp", (c) => {
  const x = c.in(0);
  const axes = c.node.inputs.slice(1);
  const { keepdims, noop_with_empty_axes } = c.attrs as { keepdims: number; noop_with_empty_axes: number };
  const peak = c.op("ReduceMax", [x, ...axes], { keepdims: 1, noop_with_empty_axes });
  const powers = c.op("Exp", [c.op("Sub", [x, peak])]);
  const sum = c.op("Log", [c.op("ReduceSum", [powers, ...axes], { keepdims, noop_with_empty_axes })]);
  return c.op("Add", [sum, c.reshape(peak, c.shape(sum))]);
});

/** (mean |x|^p times the window's size)^(1/p). */
const lpPool = composition("lp-pool-as-average", "LpPool", (c) => {
  const { p, kernel_shape, strides, pads, auto_pad, ceil_mode, dilations } = c.attrs as {
    p: number;
    kernel_shape: number[];
    strides: number[];
    pads: number[];
    auto_pad: string;
    ceil_mode: number;
    dilations: number[];
  };
  if (dilations.some((d) => d !== 1)) c.refuse("LpPool with dilations has no TFLite form", "Use dilations of 1.");
  const attrs = { kernel_shape, strides, pads, auto_pad, ceil_mode, count_include_pad: 1 };
  const mean = c.op("AveragePool", [powered(c, c.in(0), p)], attrs);
  const size = kernel_shape.reduce((a, b) => a * b, 1);
  return rooted(c, c.op("Mul", [mean, num(size)]), p);
});

const globalLpPool = composition("global-lp-pool-as-sum", "GlobalLpPool", (c) => {
  const p = c.attrs.p as number;
  const axes = c.shape(c.in(0)).flatMap((_, axis) => (axis >= 2 ? [axis] : []));
  return rooted(c, c.op("ReduceSum", [powered(c, c.in(0), p), c.ints(axes)], { keepdims: 1 }), p);
});

function powered(c: Composer, x: ValueId, p: number): ValueId {
  if (p === 1) return c.op("Abs", [x]);
  return p === 2 ? square(c, x) : c.op("Pow", [c.op("Abs", [x]), num(p)]);
}

function rooted(c: Composer, y: ValueId, p: number): ValueId {
  if (p === 1) return y;
  return p === 2 ? root(c, y) : c.op("Pow", [y, num(1 / p)]);
}

/** Reductions of which TFLite has the parts. */
export const reductionRules: readonly Rule[] = [
  reduced("ReduceL1", "ReduceSum", (c, x) => c.op("Abs", [x])),
  reduced("ReduceL2", "ReduceSum", square, root),
  reduced("ReduceSumSquare", "ReduceSum", square),
  reduced("ReduceLogSum", "ReduceSum", (_, x) => x, logarithm),
  logSumExp,
  lpPool,
  globalLpPool,
];
