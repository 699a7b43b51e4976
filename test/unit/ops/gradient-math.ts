import { fromNumbers, int64s, type Random, scalar } from "../../../src/tensor/index.ts";
import type { GradientCase } from "./check-gradient.ts";

/** Values a tenth apart in random order, so that no two are within the step of the difference quotient. */
export const distinct = () => {
  const taken = new Set<number>();
  return (r: Random) => {
    for (;;) {
      const value = r.below(400);
      if (taken.has(value)) continue;
      taken.add(value);
      return (value - 200) / 10 + 0.05;
    }
  };
};

/** Within (-0.8, 0.8): the domain of the inverse functions, away from its ends. */
const inside = (r: Random) => 1.6 * r.next() - 0.8;
/** From 1.2 on: where acosh is defined and smooth. */
const aboveOne = (r: Random) => 1.2 + r.next();
/** From a sixth to five sixths past a whole number of steps of 0.5: away from the steps of a remainder. */
const betweenSteps = (r: Random) => (r.below(9) - 4 + 0.3 + 0.4 * r.next()) * 0.5;

const unary: GradientCase[] = [
  { op: "Sin" },
  { op: "Cos" },
  { op: "Tan", draw: inside },
  { op: "Asin", draw: inside },
  { op: "Acos", draw: inside },
  { op: "Atan" },
  { op: "Sinh" },
  { op: "Cosh" },
  { op: "Asinh" },
  { op: "Acosh", draw: aboveOne },
  { op: "Atanh", draw: inside },
  { op: "Celu", attrs: { alpha: 0.7 } },
  { op: "Selu" },
  { op: "Selu", attrs: { alpha: 1.3, gamma: 0.9 } },
  { op: "ThresholdedRelu", attrs: { alpha: 0.1 } },
  { op: "Shrink", attrs: { bias: 0.2, lambd: 0.1 } },
  { op: "Shrink", attrs: { lambd: 0.9 }, draw: (r: Random) => [-1.5, -0.5, 0.5, 1.2][r.below(4)]! + r.next() / 5 },
  { op: "Softsign" },
  { op: "Mish" },
  { op: "Gelu" },
  { op: "Gelu", attrs: { approximate: "tanh" } },
].map((test) => ({ ...test, name: `${test.op} ${JSON.stringify(test.attrs ?? {})}`, inputs: [[2, 3, 4]] }));

/** Gradient cases of trigonometry, activations, rankings and what works along axes. */
export const mathCases: readonly GradientCase[] = [
  ...unary,
  { name: "Mean of three, broadcast", op: "Mean", inputs: [[2, 3], [3], [2, 1]] },
  {
    name: "Mod by a constant",
    op: "Mod",
    inputs: [[4, 5], scalar("float32", 0.5)],
    attrs: { fmod: 1 },
    draw: betweenSteps,
  },
  {
    name: "Mod by a tensor",
    op: "Mod",
    inputs: [fromNumbers("float32", [4], [-5.25, -2.25, 3.25, 6.75]), [4]],
    attrs: { fmod: 1 },
    draw: (r) => 1.45 + r.next() / 20,
  },
  { name: "CastLike", op: "CastLike", inputs: [[2, 3], scalar("float32", 0)] },
  { name: "ReduceL1", op: "ReduceL1", inputs: [[2, 3, 4], int64s([0, 2])] },
  { name: "ReduceL1, axis dropped", op: "ReduceL1", inputs: [[2, 3, 4], int64s([1])], attrs: { keepdims: 0 } },
  { name: "ReduceLogSum", op: "ReduceLogSum", inputs: [[2, 3, 4], int64s([1])], draw: aboveOne },
  { name: "ReduceLogSumExp", op: "ReduceLogSumExp", inputs: [[2, 3, 4], int64s([0, 2])], attrs: { keepdims: 0 } },
  { name: "TopK", op: "TopK", inputs: [[3, 6], int64s([2])], outputs: 2, draw: distinct() },
  {
    name: "TopK, smallest, middle axis",
    op: "TopK",
    inputs: [[2, 5, 3], int64s([3])],
    attrs: { axis: -2, largest: 0 },
    outputs: 2,
    draw: distinct(),
  },
  {
    name: "OneHot values",
    op: "OneHot",
    inputs: [fromNumbers("int64", [2, 3], [0, 3, -1, 2, 2, 7]), scalar("int64", 4), [2]],
    attrs: { axis: 1 },
  },
  { name: "CumSum", op: "CumSum", inputs: [[3, 4], scalar("int64", 1)] },
  {
    name: "CumSum, exclusive, reversed",
    op: "CumSum",
    inputs: [[3, 4], scalar("int64", -2)],
    attrs: { exclusive: 1, reverse: 1 },
  },
  { name: "Trilu", op: "Trilu", inputs: [[2, 3, 4]] },
  { name: "Trilu, lower", op: "Trilu", inputs: [[4, 3], scalar("int64", -1)], attrs: { upper: 0 } },
  { name: "LpPool", op: "LpPool", inputs: [[2, 2, 5, 6]], attrs: { kernel_shape: [3, 2], strides: [2, 1] } },
  {
    name: "LpPool, p 3, padded",
    op: "LpPool",
    inputs: [[1, 2, 5, 5]],
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], p: 3 },
  },
  { name: "GlobalLpPool", op: "GlobalLpPool", inputs: [[2, 3, 4, 2]], attrs: { p: 3 } },
  { name: "LpNormalization", op: "LpNormalization", inputs: [[3, 4]] },
  { name: "LpNormalization, p 1", op: "LpNormalization", inputs: [[3, 4, 2]], attrs: { axis: 1, p: 1 } },
  { name: "LRN", op: "LRN", inputs: [[2, 6, 2, 3]], attrs: { size: 3, alpha: 0.9 } },
  {
    name: "LRN, window wider than the channels",
    op: "LRN",
    inputs: [[2, 3, 2, 2]],
    attrs: { size: 7, alpha: 0.9, beta: 0.5, bias: 2 },
  },
  { name: "MeanVarianceNormalization", op: "MeanVarianceNormalization", inputs: [[2, 3, 4, 2]] },
  {
    name: "MeanVarianceNormalization of the last axes",
    op: "MeanVarianceNormalization",
    inputs: [[2, 3, 5, 2]],
    attrs: { axes: [-1, -2] },
  },
];
