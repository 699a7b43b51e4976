import { describe, expect, it } from "vitest";
import { newBuilder, OP_TYPES, OPS } from "../../../src/ops/index.ts";
import { float32, fromNumbers, int64s, type Random, scalar } from "../../../src/tensor/index.ts";
import { addGradients } from "../../../src/train/index.ts";
import { checkGradient, type GradientCase } from "./check-gradient.ts";
import { linearCases } from "./gradient-linear.ts";
import { distinct, mathCases } from "./gradient-math.ts";
import { recurrentCases } from "./gradient-recurrent.ts";
import { structureCases } from "./gradient-structure.ts";

const positive = (r: Random) => 0.5 + r.next();
const unary: GradientCase[] = [
  ["Relu", {}],
  ["LeakyRelu", { alpha: 0.2 }],
  ["Elu", { alpha: 0.7 }],
  ["Sigmoid", {}],
  ["HardSigmoid", { alpha: 0.3, beta: 0.4 }],
  ["HardSwish", {}],
  ["Tanh", {}],
  ["Softplus", {}],
  ["Erf", {}],
  ["Exp", {}],
  ["Neg", {}],
  ["Abs", {}],
  ["Identity", {}],
].map(([op, attrs]) => ({
  name: op as string,
  op: op as string,
  attrs: attrs as object as Record<string, number>,
  inputs: [[2, 3, 4]],
}));

const elementwise: GradientCase[] = [
  {
    name: "HardSwish beyond its bends",
    op: "HardSwish",
    inputs: [[2, 9]],
    draw: (r) => [-4, -1.5, 2, 4.5][r.below(4)]! + r.next() / 5,
  },
  {
    name: "HardSigmoid beyond its bends",
    op: "HardSigmoid",
    inputs: [[2, 9]],
    draw: (r) => [-4, 0.5, 4][r.below(3)]! + r.next() / 5,
  },
  {
    name: "Clip",
    op: "Clip",
    inputs: [[3, 8], scalar("float32", 0), scalar("float32", 6)],
    draw: (r) => [-2, 1, 3, 8][r.below(4)]! + r.next() / 5,
  },
  { name: "Clip from below only", op: "Clip", inputs: [[3, 5], scalar("float32", 0), null] },
  { name: "Clip from above only", op: "Clip", inputs: [[3, 5], null, scalar("float32", 0)] },
  { name: "Clip without bounds", op: "Clip", inputs: [[3, 5]] },
  { name: "Log", op: "Log", inputs: [[2, 5]], draw: positive },
  { name: "Sqrt", op: "Sqrt", inputs: [[2, 5]], draw: positive },
  { name: "Reciprocal", op: "Reciprocal", inputs: [[2, 5]], draw: positive },
  { name: "Dropout (inference)", op: "Dropout", inputs: [[2, 5]] },
  {
    name: "Add, both sides broadcast",
    op: "Add",
    inputs: [
      [2, 1, 4],
      [3, 1],
    ],
  },
  { name: "Sub with a bias", op: "Sub", inputs: [[2, 3, 4], [4]] },
  {
    name: "Mul with a column",
    op: "Mul",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
  },
  { name: "Mul with a scalar", op: "Mul", inputs: [[2, 3], []] },
  {
    name: "Div, both sides broadcast",
    op: "Div",
    inputs: [
      [2, 1],
      [1, 3],
    ],
    draw: positive,
  },
  { name: "Pow", op: "Pow", inputs: [[2, 3], [3]], draw: positive },
  { name: "Pow with a constant exponent", op: "Pow", inputs: [[2, 3], scalar("float32", 2)] },
  { name: "Sum of three", op: "Sum", inputs: [[2, 3], [3], [2, 1]] },
  { name: "Min", op: "Min", inputs: [[3, 4], [4]], draw: distinct() },
  {
    name: "Max of three",
    op: "Max",
    inputs: [
      [3, 4],
      [3, 4],
      [3, 1],
    ],
    draw: distinct(),
  },
  {
    name: "PRelu, a slope a channel",
    op: "PRelu",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
  },
  { name: "Where", op: "Where", inputs: [fromNumbers("bool", [2, 1, 3], [1, 0, 1, 0, 0, 1]), [2, 4, 3], [4, 1]] },
  { name: "Cast float32 to float32", op: "Cast", inputs: [[2, 3]], attrs: { to: 1 } },
];

const matrices: GradientCase[] = [
  { name: "Gemm", op: "Gemm", inputs: [[2, 3], [3, 4], [4]], attrs: { alpha: 0.7, beta: 1.3 } },
  {
    name: "Gemm, A transposed",
    op: "Gemm",
    inputs: [
      [3, 2],
      [3, 4],
      [2, 1],
    ],
    attrs: { transA: 1 },
  },
  {
    name: "Gemm, B transposed",
    op: "Gemm",
    inputs: [
      [2, 3],
      [4, 3],
      [1, 4],
    ],
    attrs: { transB: 1 },
  },
  {
    name: "Gemm, both transposed",
    op: "Gemm",
    inputs: [
      [3, 2],
      [4, 3],
    ],
    attrs: { transA: 1, transB: 1 },
  },
  {
    name: "MatMul",
    op: "MatMul",
    inputs: [
      [2, 3],
      [3, 4],
    ],
  },
  {
    name: "MatMul, batches broadcast",
    op: "MatMul",
    inputs: [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
  },
  { name: "MatMul, vector left", op: "MatMul", inputs: [[3], [2, 3, 4]] },
  { name: "MatMul, vector right", op: "MatMul", inputs: [[2, 4, 3], [3]] },
  { name: "MatMul of vectors", op: "MatMul", inputs: [[3], [3]] },
];

const convolutions: GradientCase[] = [
  { name: "Conv 3x3 padded", op: "Conv", inputs: [[2, 3, 5, 6], [4, 3, 3, 3], [4]], attrs: { pads: [1, 1, 1, 1] } },
  {
    name: "Conv many channels, few positions",
    op: "Conv",
    inputs: [
      [2, 8, 2, 2],
      [9, 8, 3, 3],
    ],
    attrs: { pads: [1, 1, 1, 1] },
  },
  {
    name: "Conv stride 2, rest unused",
    op: "Conv",
    inputs: [
      [2, 3, 6, 7],
      [2, 3, 3, 3],
    ],
    attrs: { strides: [2, 2] },
  },
  {
    name: "Conv stride 2, uneven pads",
    op: "Conv",
    inputs: [
      [2, 3, 6, 6],
      [2, 3, 3, 3],
    ],
    attrs: { strides: [2, 2], pads: [0, 1, 1, 0] },
  },
  {
    name: "Conv SAME_UPPER",
    op: "Conv",
    inputs: [
      [1, 2, 7, 6],
      [3, 2, 4, 3],
    ],
    attrs: { strides: [2, 3], auto_pad: "SAME_UPPER" },
  },
  {
    name: "Conv dilated",
    op: "Conv",
    inputs: [
      [1, 2, 7, 8],
      [3, 2, 3, 2],
    ],
    attrs: { dilations: [2, 3], pads: [1, 2, 0, 1] },
  },
  {
    name: "Conv padded beyond its kernel",
    op: "Conv",
    inputs: [
      [1, 2, 4, 4],
      [3, 2, 2, 2],
    ],
    attrs: { pads: [2, 2, 3, 2] },
  },
  {
    name: "Conv 1x1",
    op: "Conv",
    inputs: [
      [2, 3, 4, 4],
      [5, 3, 1, 1],
    ],
  },
  {
    name: "Conv 1x1 stride 2",
    op: "Conv",
    inputs: [
      [2, 3, 5, 4],
      [5, 3, 1, 1],
    ],
    attrs: { strides: [2, 2] },
  },
  {
    name: "Conv in groups",
    op: "Conv",
    inputs: [
      [2, 4, 5, 5],
      [6, 2, 3, 3],
    ],
    attrs: { group: 2, pads: [1, 1, 1, 1] },
  },
  {
    name: "Conv depthwise",
    op: "Conv",
    inputs: [[2, 3, 5, 5], [3, 1, 3, 3], [3]],
    attrs: { group: 3, pads: [1, 1, 1, 1] },
  },
  {
    name: "Conv depthwise, stride 2",
    op: "Conv",
    inputs: [
      [2, 3, 7, 6],
      [3, 1, 3, 3],
    ],
    attrs: { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "Conv depthwise, stride 2, dilated",
    op: "Conv",
    inputs: [
      [1, 3, 9, 8],
      [3, 1, 3, 2],
    ],
    attrs: { group: 3, strides: [2, 2], dilations: [2, 1], pads: [0, 1, 1, 0] },
  },
  {
    name: "Conv depthwise with multiplier 2",
    op: "Conv",
    inputs: [
      [2, 3, 4, 4],
      [6, 1, 3, 3],
    ],
    attrs: { group: 3, pads: [1, 1, 1, 1] },
  },
  {
    name: "Conv of one axis",
    op: "Conv",
    inputs: [
      [2, 3, 9],
      [4, 3, 3],
    ],
    attrs: { strides: [2], pads: [1, 1] },
  },
  {
    name: "Conv of three axes",
    op: "Conv",
    inputs: [
      [1, 2, 3, 4, 3],
      [2, 2, 2, 2, 2],
    ],
  },
  {
    name: "ConvTranspose",
    op: "ConvTranspose",
    inputs: [[2, 3, 4, 3], [3, 2, 3, 3], [2]],
    attrs: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
  },
  {
    name: "ConvTranspose in groups",
    op: "ConvTranspose",
    inputs: [
      [1, 4, 3, 3],
      [4, 2, 3, 3],
    ],
    attrs: { group: 2 },
  },
];

const pools: GradientCase[] = [
  {
    name: "MaxPool",
    op: "MaxPool",
    inputs: [[1, 2, 6, 6]],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    draw: distinct(),
  },
  {
    name: "MaxPool overlapping, padded",
    op: "MaxPool",
    inputs: [[1, 2, 7, 6]],
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    draw: distinct(),
  },
  {
    name: "MaxPool ceil",
    op: "MaxPool",
    inputs: [[1, 2, 6, 7]],
    attrs: { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 },
    draw: distinct(),
  },
  { name: "AveragePool", op: "AveragePool", inputs: [[2, 2, 6, 6]], attrs: { kernel_shape: [2, 3], strides: [2, 1] } },
  {
    name: "AveragePool padded, without pads",
    op: "AveragePool",
    inputs: [[2, 2, 5, 6]],
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "AveragePool padded, with pads",
    op: "AveragePool",
    inputs: [[2, 2, 5, 6]],
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
  },
  { name: "GlobalAveragePool", op: "GlobalAveragePool", inputs: [[2, 3, 4, 5]] },
  { name: "GlobalMaxPool", op: "GlobalMaxPool", inputs: [[2, 3, 3, 4]], draw: distinct() },
];

const axes01 = int64s([0, 2]);
const reductions: GradientCase[] = [
  { name: "ReduceSum", op: "ReduceSum", inputs: [[2, 3, 4], axes01], attrs: { keepdims: 0 } },
  { name: "ReduceSum of all", op: "ReduceSum", inputs: [[2, 3]], attrs: { keepdims: 0 } },
  { name: "ReduceSum of none", op: "ReduceSum", inputs: [[2, 3]], attrs: { noop_with_empty_axes: 1 } },
  { name: "ReduceMean", op: "ReduceMean", inputs: [[2, 3, 4], int64s([-1])] },
  { name: "ReduceMax", op: "ReduceMax", inputs: [[2, 3, 4], axes01], draw: distinct() },
  { name: "ReduceMin", op: "ReduceMin", inputs: [[2, 3, 4], int64s([1])], attrs: { keepdims: 0 }, draw: distinct() },
  { name: "ReduceSumSquare", op: "ReduceSumSquare", inputs: [[2, 3, 4], axes01], attrs: { keepdims: 0 } },
  { name: "ReduceL2", op: "ReduceL2", inputs: [[2, 3, 4], int64s([1])] },
  { name: "ReduceProd", op: "ReduceProd", inputs: [[2, 3], int64s([1])], attrs: { keepdims: 0 } },
  { name: "Softmax", op: "Softmax", inputs: [[3, 5]] },
  { name: "Softmax on axis 1", op: "Softmax", inputs: [[2, 3, 4]], attrs: { axis: 1 } },
  { name: "LogSoftmax", op: "LogSoftmax", inputs: [[3, 5]] },
  {
    name: "BatchNormalization (inference)",
    op: "BatchNormalization",
    inputs: [[2, 3, 4, 2], [3], [3], [3], [3]],
    draw: positive,
  },
];

const movements: GradientCase[] = [
  { name: "Reshape", op: "Reshape", inputs: [[2, 3, 4], int64s([4, -1])] },
  { name: "Flatten", op: "Flatten", inputs: [[2, 3, 4]], attrs: { axis: 2 } },
  { name: "Transpose", op: "Transpose", inputs: [[2, 3, 4]], attrs: { perm: [2, 0, 1] } },
  { name: "Transpose reversed", op: "Transpose", inputs: [[2, 3, 4]] },
  { name: "Squeeze", op: "Squeeze", inputs: [[2, 1, 3, 1], int64s([1])] },
  { name: "Unsqueeze", op: "Unsqueeze", inputs: [[2, 3], int64s([0, -1])] },
  { name: "Expand", op: "Expand", inputs: [[3, 1], int64s([2, 1, 4])] },
  { name: "Tile", op: "Tile", inputs: [[2, 3], int64s([3, 2])] },
  {
    name: "Concat",
    op: "Concat",
    inputs: [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    attrs: { axis: -1 },
  },
  { name: "Split", op: "Split", inputs: [[2, 6], int64s([1, 3, 2])], attrs: { axis: 1 }, outputs: 3 },
  { name: "Split in equal parts", op: "Split", inputs: [[5, 2]], attrs: { axis: 0, num_outputs: 2 }, outputs: 2 },
  { name: "Slice", op: "Slice", inputs: [[5, 6], int64s([1, -3]), int64s([4, 6]), int64s([0, 1])] },
  {
    name: "Slice with steps",
    op: "Slice",
    inputs: [[7, 6], int64s([1, 0]), int64s([7, 5]), int64s([0, 1]), int64s([3, 2])],
  },
  { name: "Slice backwards", op: "Slice", inputs: [[7, 3], int64s([-2]), int64s([-8]), int64s([0]), int64s([-2])] },
  { name: "Gather", op: "Gather", inputs: [[4, 3], int64s([2, 0, 2, -1])] },
  {
    name: "Gather along axis 1",
    op: "Gather",
    inputs: [[2, 4, 3], fromNumbers("int64", [2, 2], [1, 3, 1, 0])],
    attrs: { axis: 1 },
  },
  { name: "Pad", op: "Pad", inputs: [[2, 3], int64s([1, 0, 2, 1]), scalar("float32", 5)] },
  { name: "Pad on one axis", op: "Pad", inputs: [[2, 3], int64s([1, 2]), null, int64s([1])] },
];

const all = [
  ...unary,
  ...elementwise,
  ...matrices,
  ...convolutions,
  ...pools,
  ...reductions,
  ...movements,
  ...mathCases,
  ...structureCases,
  ...recurrentCases,
  ...linearCases,
];

describe("gradients against central differences", () => {
  it.each(all)("$name", (test) => checkGradient(test));

  it("every differentiable operator has a case", () => {
    // Their derivative is 0 wherever it exists: tested below.
    const steps = ["Sign", "Floor", "Ceil", "Round", "Hardmax", "EyeLike"];
    const covered = new Set([...all.map((test) => test.op), ...steps]);
    const missing = OP_TYPES.filter((op) => typeof OPS[op].gradient === "function" && !covered.has(op));
    expect(missing).toEqual([]);
  });
});

describe("where no gradient flows", () => {
  it.each(["Sign", "Floor", "Ceil", "Round", "Hardmax", "EyeLike"])("%s passes none", (op) => {
    const builder = newBuilder("g");
    const x = builder.input("x", { dtype: "float32", shape: [3, 3] });
    expect(addGradients(builder, builder.node(op, [x]), [x])).toEqual([null]);
  });

  it("an operator without a gradient is named with its node and a remedy", () => {
    const builder = newBuilder("g");
    const x = builder.input("x", { dtype: "float32", shape: [3] });
    const y = builder.node("ArgMax", [x], {}, { name: "pick" });
    expect(() => addGradients(builder, y, [x])).toThrow(
      expect.objectContaining({
        code: "unsupported",
        message: 'Operator "ArgMax" has no gradient',
        where: 'node "pick" (ArgMax)',
      }),
    );
  });

  it("an operator whose gradient is not written yet says so", () => {
    const builder = newBuilder("g");
    const x = builder.input("x", { dtype: "float32", shape: [3, 3] });
    expect(() => addGradients(builder, builder.node("Det", [x]), [x])).toThrow(
      expect.objectContaining({
        code: "unsupported",
        message: 'The gradient of operator "Det" is not written yet',
        where: 'node "Det" (Det)',
      }),
    );
  });

  it.each([
    ["clip of 3", { clip: 3 }, []],
    ["peepholes", {}, [null, null, null, null, [1, 6]]],
    ["sequences of several lengths", {}, [null, fromNumbers("int32", [2], [3, 2])]],
    ['activation "Affine"', { activations: ["Sigmoid", "Affine", "Tanh"] }, []],
  ] as const)("an LSTM with %s says that its gradient is not written", (what, attrs, more) => {
    const builder = newBuilder("g");
    const input = (shape: readonly number[]) => builder.input("x", { dtype: "float32", shape });
    const further = more.map((one) => (one === null ? null : "data" in one ? builder.constant("c", one) : input(one)));
    const inputs = [input([3, 2, 4]), input([1, 8, 4]), input([1, 8, 2]), ...further];
    const y = builder.node("LSTM", inputs, attrs, { name: "cell" });
    expect(() => addGradients(builder, y, [inputs[0]!])).toThrow(
      expect.objectContaining({
        code: "unsupported",
        message: `The gradient of LSTM with ${what} is not written yet`,
        where: 'node "cell"',
      }),
    );
  });

  it("a GridSample of cubic mode says that its gradient is not written", () => {
    const builder = newBuilder("g");
    const x = builder.input("x", { dtype: "float32", shape: [1, 1, 3, 3] });
    const grid = builder.input("grid", { dtype: "float32", shape: [1, 2, 2, 2] });
    const y = builder.node("GridSample", [x, grid], { mode: "cubic" });
    expect(() => addGradients(builder, y, [x])).toThrow('mode "cubic" with padding "zeros" is not written yet');
  });

  it("a value that the output does not depend on has none", () => {
    const builder = newBuilder("g");
    const x = builder.input("x", { dtype: "float32", shape: [3] });
    const other = builder.constant("c", float32([3], [1, 2, 3]));
    expect(addGradients(builder, builder.node("Relu", [x]), [other])).toEqual([null]);
  });
});
