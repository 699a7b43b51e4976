import type { Attributes } from "../../src/ir/index.ts";
import { fromNumbers, scalar } from "../../src/tensor/index.ts";
import { image, type Problem, problem } from "./tflite-problem.ts";

/** One operator over normal numbers, or over what `prepare` makes of them. */
const unary = (op: string, attrs: Attributes = {}, prepare?: string) =>
  problem(
    `${op.toLowerCase()}${Object.keys(attrs).length === 0 ? "" : ` ${Object.values(attrs).join(" ")}`}`,
    [image],
    ({ b }, [x]) => b.node(op, [prepare === undefined ? x! : b.node(prepare, [x!])], attrs),
    false,
  );

const curves: Problem[] = [
  ...["Sin", "Cos", "Tan", "Sinh", "Cosh", "Asinh", "Atan", "Erf", "Softsign", "Mish", "Selu", "Round", "Sign"].map(
    (op) => unary(op),
  ),
  ...["Asin", "Acos", "Atanh"].map((op) => unary(op, {}, "Tanh")),
  problem(
    "acosh",
    [image],
    ({ b, number }, [x]) => b.node("Acosh", [b.node("Add", [b.node("Abs", [x!]), number(1)])]),
    false,
  ),
  unary("Elu", { alpha: 0.5 }),
  unary("Celu", { alpha: 2 }),
  unary("Selu", { alpha: 2, gamma: 3 }),
  unary("ThresholdedRelu", { alpha: 0.7 }),
  unary("Shrink", { bias: 0.3, lambd: 0.6 }),
  unary("Hardmax", { axis: 1 }),
  unary("Gelu"),
  unary("Gelu", { approximate: "tanh" }),
  problem(
    "powers",
    [image],
    ({ b, number }, [x]) =>
      [2, 3, 0.5, -1, 1.7].map((exponent) =>
        b.node("Pow", [b.node("Add", [b.node("Abs", [x!]), number(0.5)]), number(exponent)]),
      ),
    false,
  ),
  problem("mean of three", [image, image, image], ({ b }, xs) => b.node("Mean", xs), false),
  problem(
    "fmod",
    [image],
    ({ b, number }, [x]) => b.node("Mod", [b.node("Mul", [x!, number(5)]), number(1.5)], { fmod: 1 }),
    false,
  ),
  problem(
    "clip of computed bounds",
    [image, [1, 1]],
    ({ b, ints }, [x, y]) => {
      const low = b.node("Reshape", [b.node("Neg", [b.node("Abs", [y!])]), ints()]);
      return b.node("Clip", [x!, low, b.node("Neg", [low])]);
    },
    false,
  ),
];

const integers: Problem[] = [
  problem(
    "integer arithmetic",
    [
      { dtype: "int64", shape: ["N", 6] },
      { dtype: "int64", shape: ["N", 6] },
    ],
    ({ b, constant }, [x, y]) => {
      const two = constant(scalar("int64", 2));
      const one = constant(scalar("int64", 1));
      const sum = b.node("Sub", [b.node("Mul", [b.node("Add", [x!, two]), y!]), one]);
      const divisor = b.node("Add", [y!, one]);
      return [
        b.node("Mod", [sum, divisor]),
        b.node("Max", [sum, x!]),
        b.node("Clip", [sum, one, null]),
        b.node("Abs", [sum]),
      ];
    },
    false,
  ),
  problem(
    "comparisons and logic",
    [
      { dtype: "int64", shape: ["N", 6] },
      { dtype: "bool", shape: ["N", 6] },
    ],
    ({ b, constant }, [x, y]) => {
      const one = constant(scalar("int64", 1));
      const odd = b.node("Equal", [x!, one]);
      return [
        b.node("Xor", [odd, y!]),
        b.node("Or", [y!, b.node("Less", [x!, one])]),
        b.node("And", [b.node("GreaterOrEqual", [x!, one]), b.node("Not", [y!])]),
        b.node("Cast", [y!], { to: 1 }),
        b.node("Cast", [x!], { to: 9 }),
      ];
    },
    false,
  ),
  problem(
    "not a number, infinite",
    [image],
    ({ b }, [x]) => {
      const root = b.node("Sqrt", [x!]);
      const quotient = b.node("Div", [x!, b.node("Relu", [b.node("Floor", [x!])])]);
      return [
        b.node("IsNaN", [root]),
        b.node("IsInf", [quotient]),
        b.node("IsInf", [quotient], { detect_negative: 0 }),
        b.node("IsInf", [quotient], { detect_positive: 0 }),
      ];
    },
    false,
  ),
  problem(
    "embedding of tokens",
    [{ dtype: "int64", shape: ["N", 5] }],
    ({ b, weight }, [x]) => b.node("Gather", [weight(9, 4), x!], { axis: 0 }),
    false,
  ),
  problem(
    "one hot",
    [{ dtype: "int64", shape: ["N", 5] }],
    ({ b, constant }, [x]) => {
      const shifted = b.node("Sub", [x!, constant(scalar("int64", 1))]);
      const values = constant(fromNumbers("float32", [2], [-0.5, 2]));
      return [
        b.node("OneHot", [shifted, constant(scalar("int64", 4)), values]),
        b.node("OneHot", [x!, constant(scalar("int64", 3)), values], { axis: 1 }),
      ];
    },
    false,
  ),
];

const reductions: Problem[] = [
  ...["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd"].map((op) =>
    problem(op.toLowerCase(), [image], ({ b, ints }, [x]) => b.node(op, [x!, ints(1, 3)], { keepdims: 0 }), false),
  ),
  problem(
    "reducelogsum",
    [image],
    ({ b, ints }, [x]) => b.node("ReduceLogSum", [b.node("Abs", [x!]), ints(2)], { keepdims: 1 }),
    false,
  ),
  problem(
    "cumulative sums",
    [image],
    ({ b, constant }, [x]) => [
      b.node("CumSum", [x!, constant(scalar("int64", 1))]),
      b.node("CumSum", [x!, constant(scalar("int64", -1))], { exclusive: 1, reverse: 1 }),
    ],
    false,
  ),
  problem(
    "top k",
    [["N", 3, 12]],
    ({ b, ints }, [x]) => [
      ...b.nodes("TopK", [x!, ints(4)], {}, { outputs: 2 }),
      ...b.nodes("TopK", [x!, ints(2)], { axis: 1, largest: 0 }, { outputs: 2 }),
    ],
    false,
  ),
];

const norms: Problem[] = [
  problem(
    "layer norm",
    [["N", 6, 16]],
    ({ b, weight }, [x]) => b.node("LayerNormalization", [x!, weight(16), weight(16)]),
    false,
  ),
  problem(
    "layer norm over two axes, statistics used",
    [["N", 6, 16]],
    ({ b, weight }, [x]) => b.nodes("LayerNormalization", [x!, weight(6, 16)], { axis: 1 }, { outputs: 3 }),
    false,
  ),
  problem(
    "instance norm",
    [image],
    ({ b, weight }, [x]) =>
      b.node("InstanceNormalization", [b.node("Conv", [x!, weight(5, 4, 1, 1)]), weight(5), weight(5)]),
    false,
  ),
  problem("lrn", [image], ({ b }, [x]) => b.node("LRN", [x!], { size: 3, alpha: 0.2, beta: 0.6, bias: 1.5 }), false),
  problem(
    "lp norms",
    [image],
    ({ b }, [x]) => [b.node("LpNormalization", [x!], { axis: 1 }), b.node("LpNormalization", [x!], { p: 1 })],
    false,
  ),
  problem("mean variance norm", [image], ({ b }, [x]) => b.node("MeanVarianceNormalization", [x!]), false),
  problem(
    "lp pool",
    [image],
    ({ b }, [x]) => b.node("LpPool", [x!], { kernel_shape: [2, 3], strides: [2, 1], p: 2 }),
    false,
  ),
  problem("global lp pool", [image], ({ b }, [x]) => b.node("GlobalLpPool", [x!], { p: 3 }), false),
];

/** Elementwise mathematics, comparisons, reductions, rankings and normalisations. */
export const MATH_PROBLEMS: readonly Problem[] = [...curves, ...integers, ...reductions, ...norms];
