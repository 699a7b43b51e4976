import type { Attributes } from "../../src/ir/index.ts";
import { image, type Problem, problem } from "./tflite-problem.ts";
import { MATH_PROBLEMS } from "./tflite-problems-math.ts";
import { STRUCTURE_PROBLEMS } from "./tflite-problems-structure.ts";

function conv(
  name: string,
  weight: readonly number[],
  attrs: Attributes,
  input: readonly (number | string)[] = image,
): Problem {
  return problem(name, [input], ({ b, weight: w }, [x]) => b.node("Conv", [x!, w(...weight), w(weight[0]!)], attrs));
}

const convolutions: Problem[] = [
  conv("conv 3x3 same", [6, 4, 3, 3], { pads: [1, 1, 1, 1] }),
  conv("conv 1x1 stride 2", [6, 4, 1, 1], { strides: [2, 2] }),
  conv("conv 3x3 stride 2 symmetric pads", [6, 4, 3, 3], { pads: [1, 1, 1, 1], strides: [2, 2] }, ["N", 4, 8, 8]),
  conv("conv grouped strided", [6, 2, 5, 5], { group: 2, pads: [2, 2, 2, 2], strides: [2, 2] }, ["N", 4, 8, 8]),
  conv("conv depthwise strided", [8, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1], strides: [2, 2] }, ["N", 4, 8, 8]),
  conv("conv 3x3 stride 2 pads at the end", [6, 4, 3, 3], { pads: [0, 0, 1, 1], strides: [2, 2] }, ["N", 4, 8, 8]),
  conv("conv auto_pad", [6, 4, 4, 2], { auto_pad: "SAME_UPPER", strides: [2, 1] }),
  conv("conv auto_pad lower", [6, 4, 4, 2], { auto_pad: "SAME_LOWER", strides: [2, 1] }),
  conv("conv dilated", [6, 4, 3, 3], { dilations: [2, 2], pads: [2, 2, 2, 2] }),
  conv("conv odd pads", [6, 4, 3, 3], { pads: [2, 0, 0, 1] }),
  conv("conv depthwise", [4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }),
  conv("conv depthwise multiplier 2", [8, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1], strides: [2, 2] }),
  conv("conv grouped", [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
  conv("conv from one channel", [5, 1, 3, 3], { pads: [1, 1, 1, 1] }, ["N", 1, 6, 6]),
  conv("conv 1d", [6, 4, 3], { pads: [1, 1] }, ["N", 4, 11]),
  conv("conv 1d depthwise stride", [4, 1, 3], { group: 4, strides: [2] }, ["N", 4, 11]),
  problem("conv relu", [image], ({ b, weight }, [x]) => b.node("Relu", [b.node("Conv", [x!, weight(6, 4, 3, 3)])])),
  problem("conv relu6", [image], ({ b, weight, number }, [x]) =>
    b.node("Clip", [b.node("Conv", [x!, weight(6, 4, 3, 3), weight(6)]), number(0), number(6)]),
  ),
  problem("conv clip", [image], ({ b, weight, number }, [x]) =>
    b.node("Clip", [b.node("Conv", [x!, weight(6, 4, 3, 3), weight(6)]), number(-0.5), number(2)]),
  ),
  problem("conv transpose same", [["N", 4, 5, 6]], ({ b, weight }, [x]) =>
    b.node("ConvTranspose", [x!, weight(4, 3, 4, 4), weight(3)], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  ),
  problem("conv transpose valid", [["N", 4, 5, 6]], ({ b, weight }, [x]) =>
    b.node("ConvTranspose", [x!, weight(4, 3, 3, 3)], { strides: [2, 2] }),
  ),
  problem(
    "batch norm alone",
    [image],
    ({ b, weight, vector }, [x]) =>
      b.node("BatchNormalization", [x!, weight(4), weight(4), weight(4), vector(0.5, 1, 2, 3)]),
    false,
  ),
];

const products: Problem[] = [
  problem("gemm", [["N", 12]], ({ b, weight }, [x]) => b.node("Gemm", [x!, weight(5, 12), weight(5)], { transB: 1 })),
  problem("gemm untransposed, no bias", [["N", 12]], ({ b, weight }, [x]) => b.node("Gemm", [x!, weight(12, 5)])),
  problem("gemm alpha beta", [["N", 12]], ({ b, weight }, [x]) =>
    b.node("Gemm", [x!, weight(12, 5), weight(5)], { alpha: 0.5, beta: 1 }),
  ),
  problem("gemm relu", [["N", 12]], ({ b, weight }, [x]) =>
    b.node("Relu", [b.node("Gemm", [x!, weight(12, 5), weight(5)])]),
  ),
  problem("matmul by a weight", [["N", 6, 12]], ({ b, weight }, [x]) => b.node("MatMul", [x!, weight(12, 5)])),
  problem("matmul rank 2", [["N", 12]], ({ b, weight }, [x]) => b.node("MatMul", [x!, weight(12, 5)])),
  problem(
    "matmul of two",
    [
      ["N", 6, 12],
      ["N", 12, 3],
    ],
    ({ b }, [x, y]) => b.node("MatMul", [x!, y!]),
  ),
  problem(
    "matmul with transpose",
    [
      ["N", 6, 12],
      ["N", 3, 12],
    ],
    ({ b }, [x, y]) => b.node("MatMul", [x!, b.node("Transpose", [y!], { perm: [0, 2, 1] })]),
  ),
  problem("flatten then gemm", [image], ({ b, weight }, [x]) =>
    b.node("Gemm", [b.node("Flatten", [b.node("Conv", [x!, weight(3, 4, 3, 3)])]), weight(5, 3 * 5 * 7), weight(5)], {
      transB: 1,
    }),
  ),
  problem("reshape then relu then gemm", [image], ({ b, weight, ints }, [x]) => {
    const y = b.node("Reshape", [b.node("Conv", [x!, weight(3, 4, 3, 3)]), ints(0, -1)]);
    return b.node("Gemm", [b.node("Relu", [y]), weight(5, 3 * 5 * 7)], { transB: 1 });
  }),
];

const pools: Problem[] = [
  problem("max pool", [image], ({ b }, [x]) => b.node("MaxPool", [x!], { kernel_shape: [2, 2], strides: [2, 2] })),
  problem("max pool padded", [image], ({ b }, [x]) =>
    b.node("MaxPool", [x!], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  ),
  problem("max pool ceil", [["N", 4, 8, 8]], ({ b }, [x]) =>
    b.node("MaxPool", [x!], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  ),
  problem("max pool explicit pads", [["N", 4, 8, 8]], ({ b, number }, [x]) =>
    b.node("MaxPool", [b.node("Min", [x!, number(-0.2)])], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }),
  ),
  problem("average pool", [image], ({ b }, [x]) =>
    b.node("AveragePool", [x!], { kernel_shape: [2, 2], strides: [2, 2] }),
  ),
  problem("average pool same", [image], ({ b }, [x]) =>
    b.node("AveragePool", [x!], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  ),
  problem("average pool counting pads", [image], ({ b }, [x]) =>
    b.node("AveragePool", [x!], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
  ),
  problem("average pool explicit pads", [["N", 4, 8, 8]], ({ b }, [x]) =>
    b.node("AveragePool", [x!], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  ),
  problem("global average", [image], ({ b }, [x]) => b.node("GlobalAveragePool", [x!])),
  problem("global average then gemm", [image], ({ b, weight }, [x]) =>
    b.node("Gemm", [b.node("Flatten", [b.node("GlobalAveragePool", [x!])]), weight(5, 4)], { transB: 1 }),
  ),
  problem("global max", [image], ({ b }, [x]) => b.node("GlobalMaxPool", [x!])),
  problem("max pool 1d", [["N", 4, 12]], ({ b }, [x]) => b.node("MaxPool", [x!], { kernel_shape: [3], strides: [3] })),
];

const binary = (op: string, int8 = true) =>
  problem(op.toLowerCase(), [image, image], ({ b }, [x, y]) => b.node(op, [x!, y!]), int8);

const elementwise: Problem[] = [
  binary("Add"),
  binary("Sub"),
  binary("Mul"),
  binary("Max"),
  binary("Min"),
  problem("add relu", [image, image], ({ b }, [x, y]) => b.node("Relu", [b.node("Add", [x!, y!])])),
  problem("mul by a channel vector", [image], ({ b, weight }, [x]) => b.node("Mul", [x!, weight(4, 1, 1)])),
  problem("add a scalar", [image], ({ b, number }, [x]) => b.node("Add", [x!, number(0.75)])),
  problem("gate: mul by a pooled value", [image], ({ b, weight }, [x]) =>
    b.node("Mul", [x!, b.node("Sigmoid", [b.node("Conv", [b.node("GlobalAveragePool", [x!]), weight(4, 4, 1, 1)])])]),
  ),
  problem("div", [image], ({ b, weight }, [x]) => b.node("Div", [x!, b.node("Exp", [weight(4, 1, 1)])]), false),
  problem("relu", [image], ({ b }, [x]) => b.node("Relu", [x!])),
  problem("clip 0.5", [image], ({ b, number }, [x]) => b.node("Clip", [x!, number(-0.5), number(0.5)])),
  problem("leaky relu", [image], ({ b }, [x]) => b.node("LeakyRelu", [x!], { alpha: 0.1 })),
  problem("prelu", [image], ({ b, weight }, [x]) => b.node("PRelu", [x!, weight(4, 1, 1)])),
  problem("elu", [image], ({ b }, [x]) => b.node("Elu", [x!])),
  problem("sigmoid", [image], ({ b }, [x]) => b.node("Sigmoid", [x!])),
  problem("tanh", [image], ({ b }, [x]) => b.node("Tanh", [x!])),
  problem("hard swish", [image], ({ b }, [x]) => b.node("HardSwish", [x!])),
  problem("hard sigmoid", [image], ({ b }, [x]) => b.node("HardSigmoid", [x!], { alpha: 1 / 6 })),
  problem("hard sigmoid 0.2", [image], ({ b }, [x]) => b.node("HardSigmoid", [x!])),
  problem("softplus", [image], ({ b }, [x]) => b.node("Softplus", [x!]), false),
  problem("softmax", [["N", 10]], ({ b }, [x]) => b.node("Softmax", [x!])),
  problem("softmax over channels", [image], ({ b, weight }, [x]) =>
    b.node("Softmax", [b.node("Conv", [x!, weight(5, 4, 1, 1)])], { axis: 1 }),
  ),
  problem("log softmax", [["N", 10]], ({ b }, [x]) => b.node("LogSoftmax", [x!])),
  problem(
    "exp, log, sqrt, abs, neg",
    [["N", 10]],
    ({ b }, [x]) => b.node("Neg", [b.node("Sqrt", [b.node("Log", [b.node("Exp", [b.node("Abs", [x!])])])])]),
    false,
  ),
  problem(
    "floor, reciprocal",
    [["N", 10]],
    ({ b, number }, [x]) => b.node("Reciprocal", [b.node("Add", [b.node("Floor", [b.node("Abs", [x!])]), number(1)])]),
    false,
  ),
  problem(
    "where greater",
    [
      ["N", 10],
      ["N", 10],
    ],
    ({ b }, [x, y]) => b.node("Where", [b.node("Greater", [x!, y!]), x!, y!]),
    false,
  ),
];

const reductions: Problem[] = [
  problem("mean over the image", [image], ({ b, weight, ints }, [x]) =>
    b.node("ReduceMean", [b.node("Conv", [x!, weight(5, 4, 1, 1)]), ints(2, 3)], { keepdims: 0 }),
  ),
  problem("mean over channels", [image], ({ b, weight, ints }, [x]) =>
    b.node("ReduceMean", [b.node("Conv", [x!, weight(5, 4, 1, 1)]), ints(1)]),
  ),
  problem("sum", [["N", 6, 5]], ({ b, ints }, [x]) => b.node("ReduceSum", [x!, ints(1)], { keepdims: 0 })),
  problem("max over an axis", [["N", 6, 5]], ({ b, ints }, [x]) => b.node("ReduceMax", [x!, ints(2)], { keepdims: 0 })),
  problem("arg max", [["N", 10]], ({ b }, [x]) => b.node("ArgMax", [x!], { axis: 1, keepdims: 0 }), false),
];

const movement: Problem[] = [
  problem("concat channels", [image, image], ({ b, weight }, [x, y]) =>
    b.node("Concat", [b.node("Conv", [x!, weight(5, 4, 1, 1)]), b.node("Relu", [y!])], { axis: 1 }),
  ),
  problem("concat with a gate", [image, image], ({ b }, [x, y]) =>
    b.node("Concat", [b.node("Sigmoid", [x!]), b.node("Relu", [y!])], { axis: 1 }),
  ),
  problem("split channels", [image], ({ b, weight }, [x]) =>
    b.nodes("Split", [b.node("Conv", [x!, weight(6, 4, 1, 1)])], { axis: 1, num_outputs: 2 }, { outputs: 2 }),
  ),
  problem("split unevenly", [image], ({ b, weight, ints }, [x]) =>
    b.nodes("Split", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(1, 5)], { axis: 1 }, { outputs: 2 }),
  ),
  problem("slice", [image], ({ b, weight, ints }, [x]) =>
    b.node("Slice", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(1, 2), ints(5, 7), ints(1, 2)]),
  ),
  problem("slice with steps", [image], ({ b, weight, ints }, [x]) =>
    b.node("Slice", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(0, -1), ints(100, -100), ints(1, 3), ints(2, -2)]),
  ),
  problem("pad", [image], ({ b, weight, ints }, [x]) =>
    b.node("Pad", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(0, 1, 2, 0, 0, 0, 1, 3)]),
  ),
  problem("pad with a number", [image], ({ b, weight, ints, number }, [x]) =>
    b.node("Pad", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(0, 0, 2, 0, 0, 0, 1, 3), number(0.5)]),
  ),
  problem("pad reflect", [image], ({ b, weight, ints }, [x]) =>
    b.node("Pad", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(0, 0, 2, 1, 0, 0, 1, 3)], { mode: "reflect" }),
  ),
  problem("gather channels", [image], ({ b, weight, ints }, [x]) =>
    b.node("Gather", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(3, 0, -1)], { axis: 1 }),
  ),
  problem("channel shuffle", [image], ({ b, weight, ints }, [x]) => {
    const y = b.node("Reshape", [b.node("Conv", [x!, weight(6, 4, 1, 1)]), ints(0, 2, 3, 7, 9)]);
    const z = b.node("Reshape", [b.node("Transpose", [y], { perm: [0, 2, 1, 3, 4] }), ints(0, 6, 7, 9)]);
    return b.node("Conv", [z, weight(4, 6, 1, 1)]);
  }),
  problem("transpose in and out", [["N", 7, 9, 4]], ({ b, weight }, [x]) => {
    const y = b.node("Conv", [b.node("Transpose", [x!], { perm: [0, 3, 1, 2] }), weight(6, 4, 3, 3)]);
    return b.node("Transpose", [y], { perm: [0, 2, 3, 1] });
  }),
  problem("squeeze and unsqueeze", [image], ({ b, ints }, [x]) =>
    b.node("Unsqueeze", [b.node("Squeeze", [b.node("GlobalAveragePool", [x!]), ints(2, 3)]), ints(1)]),
  ),
  problem("sequence of columns", [image], ({ b, weight, ints }, [x]) => {
    const y = b.node("Reshape", [b.node("Conv", [x!, weight(6, 4, 7, 1)]), ints(0, 6, 9)]);
    return b.node("MatMul", [b.node("Transpose", [y], { perm: [0, 2, 1] }), weight(6, 3)]);
  }),
  problem("flatten to softmax", [image], ({ b, weight }, [x]) =>
    b.node("Softmax", [b.node("Flatten", [b.node("Conv", [x!, weight(2, 4, 5, 7)])])]),
  ),
  problem("expand", [["N", 4, 1, 1]], ({ b, ints }, [x]) => b.node("Expand", [x!, ints(1, 4, 3, 2)])),
  problem("tile", [["N", 4, 2]], ({ b, ints }, [x]) => b.node("Tile", [x!, ints(1, 2, 3)])),
];

export const PROBLEMS: readonly Problem[] = [
  ...convolutions,
  ...products,
  ...pools,
  ...elementwise,
  ...reductions,
  ...movement,
  ...MATH_PROBLEMS,
  ...STRUCTURE_PROBLEMS,
];
