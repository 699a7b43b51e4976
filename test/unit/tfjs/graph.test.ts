import { describe, expect, it } from "vitest";
import { TFJS_READ } from "../../../src/formats/tfjs/index.ts";
import { fromNumbers, type Tensor, tensor } from "../../../src/tensor/index.ts";
import { attr, expectAgreement, type GraphNode, graphModel, randomTensor } from "./tfjs-models.ts";

interface Case {
  readonly op: string;
  /** Sizes of float inputs a, b... or tensors to feed. */
  readonly inputs: readonly (readonly number[] | Tensor)[];
  readonly constants?: readonly Tensor[];
  readonly attr?: GraphNode["attr"];
  readonly outputs?: number;
  /** Order of operands, such as "0a" for constant 0 then input a. Default: inputs, then constants. */
  readonly order?: string;
  readonly low?: number;
  readonly high?: number;
}

const ints = (...values: number[]) => fromNumbers("int32", [values.length], values);
const int = (value: number) => fromNumbers("int32", [], [value]);
const float = (value: number) => fromNumbers("float32", [], [value]);
const weights = (shape: readonly number[], low = -1, high = 1) =>
  randomTensor("float32", shape, `w${shape.join()}`, low, high);
const integers = (shape: readonly number[], low: number, high: number, label = "i") =>
  randomTensor("int32", shape, `${label}${shape.join()}`, low, high);
const bools = (shape: readonly number[], label = "b") => randomTensor("bool", shape, label);

function modelOf(c: Case) {
  const letters = "abcdef";
  const feeds: Record<string, Tensor> = {};
  c.inputs.forEach((item, i) => {
    feeds[letters[i]!] =
      "data" in item
        ? (item as Tensor)
        : randomTensor("float32", item as readonly number[], `${c.op}${i}`, c.low ?? -1, c.high ?? 1);
  });
  const constants = Object.fromEntries((c.constants ?? []).map((t, i) => [`k${i}`, t]));
  const order =
    c.order === undefined
      ? [...Object.keys(feeds), ...Object.keys(constants)]
      : [...c.order].map((key) => (/\d/.test(key) ? `k${key}` : key));
  const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => (i === 0 ? "y" : `y:${i}`));
  const node: GraphNode = { name: "y", op: c.op, input: order, ...(c.attr === undefined ? {} : { attr: c.attr }) };
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => [name, { dtype: t.dtype, shape: t.shape }]),
  );
  return { model: graphModel({ inputs, constants, nodes: [node], outputs }), feeds };
}

const dilations = attr.ints(1, 1, 1, 1);
const conv = { strides: attr.ints(1, 2, 2, 1), padding: attr.text("SAME"), dilations };
const valid = { strides: attr.ints(1, 1, 1, 1), padding: attr.text("VALID"), dilations };
const explicit = {
  strides: attr.ints(1, 2, 1, 1),
  dilations,
  padding: attr.text("EXPLICIT"),
  explicit_paddings: attr.ints(0, 0, 1, 2, 0, 1, 0, 0),
};
const corners = { align_corners: attr.bool(true) };
const centres = { half_pixel_centers: attr.bool(true) };
const fused = (...names: string[]) => ({
  fused_ops: attr.texts(...names),
  num_args: attr.int(names.includes("Prelu") ? 2 : 1),
});

const unary = [
  "Abs",
  "Asin",
  "Asinh",
  "Atan",
  "Atanh",
  "Acos",
  "Ceil",
  "Cos",
  "Cosh",
  "Elu",
  "Erf",
  "Exp",
  "Expm1",
  "Floor",
  "Neg",
  "Relu",
  "Relu6",
  "Round",
  "Selu",
  "Sigmoid",
  "Sign",
  "Sin",
  "Sinh",
  "Softplus",
  "Square",
  "Tan",
  "Tanh",
  "Softmax",
  "LogSoftmax",
  "ZerosLike",
  "OnesLike",
  "IsNan",
  "IsFinite",
  "Identity",
  "StopGradient",
];
const positive = ["Acosh", "Log", "Log1p", "Reciprocal", "Rsqrt", "Sqrt"];
const binary = [
  "Add",
  "AddV2",
  "Sub",
  "Mul",
  "RealDiv",
  "Div",
  "DivNoNan",
  "FloorDiv",
  "FloorMod",
  "Mod",
  "Maximum",
  "Minimum",
  "SquaredDifference",
  "Equal",
  "NotEqual",
  "Greater",
  "GreaterEqual",
  "Less",
  "LessEqual",
  "Atan2",
];

const cases: Record<string, Case> = {
  ...Object.fromEntries(unary.map((op) => [op, { op, inputs: [[2, 3, 4]] }])),
  ...Object.fromEntries(positive.map((op) => [op, { op, inputs: [[2, 5]], low: 1, high: 3 }])),
  ...Object.fromEntries(
    binary.map((op) => [
      op,
      {
        op,
        inputs: [
          [2, 3, 4],
          [3, 1],
        ],
      },
    ]),
  ),
  ...Object.fromEntries(
    ["FloorDiv", "FloorMod", "Div", "Maximum", "Equal", "Less"].map((op) => [
      `${op} of integers`,
      { op, inputs: [integers([8], -9, 9, op)], constants: [ints(2, -3, 4, 5, -2, 3, 1, 7)] },
    ]),
  ),
  Pow: { op: "Pow", inputs: [[2, 5]], constants: [float(1.5)], low: 0.1, high: 2 },
  AddN: {
    op: "AddN",
    inputs: [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
  },
  Prelu: { op: "Prelu", inputs: [[2, 3, 4]], constants: [weights([4])] },
  LeakyRelu: { op: "LeakyRelu", inputs: [[2, 3]], attr: { alpha: attr.float(0.1) } },
  ClipByValue: { op: "ClipByValue", inputs: [[2, 9]], constants: [float(-0.4), float(0.3)] },
  LogicalAnd: { op: "LogicalAnd", inputs: [bools([6], "p"), bools([6], "q")] },
  LogicalOr: { op: "LogicalOr", inputs: [bools([6], "p"), bools([6], "q")] },
  LogicalNot: { op: "LogicalNot", inputs: [bools([6])] },
  SelectV2: { op: "SelectV2", inputs: [bools([2, 1]), [2, 3], [3]] },
  "Cast to int": { op: "Cast", inputs: [[2, 9]], attr: { DstT: attr.type("DT_INT32") }, low: -9, high: 9 },
  "Cast to bool": { op: "Cast", inputs: [integers([9], 0, 3)], attr: { DstT: attr.type("DT_BOOL") } },
  Conv2D: { op: "Conv2D", inputs: [[2, 7, 6, 3]], constants: [weights([3, 3, 3, 4])], attr: conv },
  "Conv2D dilated": {
    op: "Conv2D",
    inputs: [[2, 7, 6, 3]],
    constants: [weights([3, 2, 3, 4])],
    attr: { ...valid, dilations: attr.ints(1, 2, 2, 1) },
  },
  "Conv2D explicit": { op: "Conv2D", inputs: [[2, 7, 6, 3]], constants: [weights([3, 3, 3, 4])], attr: explicit },
  "Conv2D with a computed filter": {
    op: "Conv2D",
    inputs: [
      [2, 7, 6, 3],
      [2, 2, 3, 4],
    ],
    attr: valid,
  },
  DepthwiseConv2dNative: {
    op: "DepthwiseConv2dNative",
    inputs: [[2, 7, 6, 3]],
    constants: [weights([3, 3, 3, 2])],
    attr: conv,
  },
  Conv3D: {
    op: "Conv3D",
    inputs: [[1, 4, 5, 4, 2]],
    constants: [weights([2, 2, 2, 2, 3])],
    attr: {
      strides: attr.ints(1, 1, 1, 1, 1),
      dilations: attr.ints(1, 1, 1, 1, 1),
      padding: attr.text("SAME"),
      data_format: attr.text("NDHWC"),
    },
  },
  Conv1D: {
    op: "Conv1D",
    inputs: [[2, 9, 3]],
    constants: [weights([3, 3, 4])],
    attr: { stride: attr.int(2), padding: attr.text("SAME") },
  },
  "Conv2DBackpropInput same": {
    op: "Conv2DBackpropInput",
    inputs: [[2, 3, 4, 3]],
    constants: [ints(2, 6, 7, 4), weights([3, 3, 4, 3])],
    order: "01a",
    attr: conv,
  },
  "Conv2DBackpropInput valid": {
    op: "Conv2DBackpropInput",
    inputs: [[2, 3, 4, 3]],
    constants: [ints(2, 8, 9, 4), weights([3, 3, 4, 3])],
    order: "01a",
    attr: { ...conv, padding: attr.text("VALID") },
  },
  "_FusedConv2D relu6": {
    op: "_FusedConv2D",
    inputs: [[2, 7, 6, 3]],
    constants: [weights([3, 3, 3, 4]), weights([4])],
    attr: { ...conv, ...fused("BiasAdd", "Relu6") },
  },
  "_FusedConv2D prelu": {
    op: "_FusedConv2D",
    inputs: [[2, 7, 6, 3]],
    constants: [weights([3, 3, 3, 4]), weights([4]), weights([4], 0, 1)],
    attr: { ...conv, ...fused("BiasAdd", "Prelu") },
  },
  "_FusedConv2D leaky": {
    op: "_FusedConv2D",
    inputs: [[2, 7, 6, 3]],
    constants: [weights([3, 3, 3, 4]), weights([4])],
    attr: { ...conv, ...fused("BiasAdd", "LeakyRelu"), leakyrelu_alpha: attr.float(0.3) },
  },
  FusedDepthwiseConv2dNative: {
    op: "FusedDepthwiseConv2dNative",
    inputs: [[2, 7, 6, 3]],
    constants: [weights([3, 3, 3, 1]), weights([3])],
    attr: { ...conv, ...fused("BiasAdd", "Elu") },
  },
  _FusedMatMul: {
    op: "_FusedMatMul",
    inputs: [[2, 5]],
    constants: [weights([5, 4]), weights([4])],
    attr: fused("BiasAdd", "Relu"),
  },
  "_FusedMatMul of rank 3": {
    op: "_FusedMatMul",
    inputs: [[2, 3, 5]],
    constants: [weights([1, 5, 4]), weights([4])],
    attr: fused("BiasAdd", "Sigmoid"),
  },
  "MatMul transposed": {
    op: "MatMul",
    inputs: [
      [5, 2],
      [4, 5],
    ],
    attr: { transpose_a: attr.bool(true), transpose_b: attr.bool(true) },
  },
  BatchMatMulV2: {
    op: "BatchMatMulV2",
    inputs: [
      [2, 3, 4, 5],
      [2, 3, 6, 5],
    ],
    attr: { adj_y: attr.bool(true) },
  },
  Einsum: {
    op: "Einsum",
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    attr: { equation: attr.text("bij,bjk->bik") },
  },
  "Einsum over two axes": {
    op: "Einsum",
    inputs: [
      [2, 3, 4],
      [4, 3, 5],
    ],
    attr: { equation: attr.text("abc,cbd->ad") },
  },
  BiasAdd: { op: "BiasAdd", inputs: [[2, 3, 4]], constants: [weights([4])] },
  FusedBatchNormV3: {
    op: "FusedBatchNormV3",
    inputs: [[2, 3, 4, 5]],
    constants: [weights([5]), weights([5]), weights([5]), weights([5], 0.5, 2)],
    attr: { epsilon: attr.float(0.01), is_training: attr.bool(false) },
  },
  LRN: {
    op: "LRN",
    inputs: [[2, 3, 4, 9]],
    attr: { depth_radius: attr.int(2), bias: attr.float(1), alpha: attr.float(0.3), beta: attr.float(0.6) },
  },
  MaxPool: { op: "MaxPool", inputs: [[2, 7, 6, 3]], attr: { ksize: attr.ints(1, 3, 2, 1), ...conv } },
  AvgPool: { op: "AvgPool", inputs: [[2, 7, 6, 3]], attr: { ksize: attr.ints(1, 3, 3, 1), ...conv } },
  MaxPool3D: {
    op: "MaxPool3D",
    inputs: [[1, 4, 4, 4, 2]],
    attr: { ksize: attr.ints(1, 2, 2, 2, 1), strides: attr.ints(1, 2, 2, 2, 1), padding: attr.text("VALID") },
  },
  ...Object.fromEntries(
    ["Sum", "Mean", "Max", "Min", "Prod"].flatMap((op) => [
      [op, { op, inputs: [[2, 3, 4]], constants: [ints(1, -1)] }],
      [`${op}, kept`, { op, inputs: [[2, 3, 4]], constants: [ints(1)], attr: { keep_dims: attr.bool(true) } }],
    ]),
  ),
  "Sum of integers": { op: "Sum", inputs: [integers([2, 5], -9, 9)], constants: [ints(1)] },
  "Mean of integers": { op: "Mean", inputs: [integers([2, 5], -9, 9)], constants: [ints(1)] },
  All: { op: "All", inputs: [bools([3, 2])], constants: [ints(1)] },
  Any: { op: "Any", inputs: [bools([3, 2])], constants: [ints(1)] },
  ArgMax: { op: "ArgMax", inputs: [[2, 3, 4]], constants: [int(-1)] },
  ArgMin: { op: "ArgMin", inputs: [[2, 3, 4]], constants: [int(1)] },
  TopKV2: { op: "TopKV2", inputs: [[2, 7]], constants: [int(3)], attr: { sorted: attr.bool(true) }, outputs: 2 },
  Cumsum: {
    op: "Cumsum",
    inputs: [[2, 7]],
    constants: [int(1)],
    attr: { exclusive: attr.bool(true), reverse: attr.bool(true) },
  },
  EuclideanNorm: { op: "EuclideanNorm", inputs: [[2, 7]], constants: [ints(1)] },
  Reshape: { op: "Reshape", inputs: [[2, 3, 4]], constants: [ints(2, -1)] },
  Squeeze: { op: "Squeeze", inputs: [[2, 1, 3, 1]], attr: { squeeze_dims: attr.ints(1) } },
  "Squeeze all": { op: "Squeeze", inputs: [[2, 1, 3, 1]] },
  ExpandDims: { op: "ExpandDims", inputs: [[2, 3]], constants: [int(-1)] },
  Transpose: { op: "Transpose", inputs: [[2, 3, 4]], constants: [ints(2, 0, 1)] },
  Pack: {
    op: "Pack",
    inputs: [
      [2, 3],
      [2, 3],
    ],
    attr: { axis: attr.int(1), N: attr.int(2) },
  },
  Unpack: { op: "Unpack", inputs: [[2, 3, 4]], attr: { axis: attr.int(1), num: attr.int(3) }, outputs: 3 },
  ConcatV2: {
    op: "ConcatV2",
    inputs: [
      [2, 3],
      [2, 4],
    ],
    constants: [int(-1)],
    attr: { N: attr.int(2) },
  },
  Split: {
    op: "Split",
    inputs: [[2, 6]],
    constants: [int(1)],
    order: "0a",
    attr: { num_split: attr.int(3) },
    outputs: 3,
  },
  SplitV: {
    op: "SplitV",
    inputs: [[2, 6]],
    constants: [ints(1, -1, 2), int(1)],
    attr: { num_split: attr.int(3) },
    outputs: 3,
  },
  Slice: { op: "Slice", inputs: [[4, 6]], constants: [ints(1, 2), ints(2, -1)] },
  "StridedSlice with begin and end masks": {
    op: "StridedSlice",
    inputs: [[4, 6, 5]],
    constants: [ints(1, 4, 3), ints(3, 0, 0), ints(1, -2, -1)],
    attr: { begin_mask: attr.int(1), end_mask: attr.int(4) },
  },
  "StridedSlice with shrink, new axis and ellipsis": {
    op: "StridedSlice",
    inputs: [[4, 6, 5, 3]],
    constants: [ints(-1, 0, 0, 1), ints(0, 0, 0, 3), ints(1, 1, 1, 1)],
    attr: { shrink_axis_mask: attr.int(1), new_axis_mask: attr.int(2), ellipsis_mask: attr.int(4) },
  },
  GatherV2: { op: "GatherV2", inputs: [[2, 5, 3], integers([2, 2], 0, 5)], constants: [int(1)] },
  "GatherV2 with batch axes": {
    op: "GatherV2",
    inputs: [[2, 5, 3], integers([2, 4], 0, 5)],
    constants: [int(1)],
    attr: { batch_dims: attr.int(1) },
  },
  GatherNd: { op: "GatherNd", inputs: [[3, 4, 2], integers([5, 2], 0, 3)] },
  ScatterNd: {
    op: "ScatterNd",
    inputs: [[4, 2]],
    constants: [fromNumbers("int32", [4, 1], [0, 2, 2, 5]), ints(7, 2)],
    order: "0a1",
  },
  TensorScatterUpdate: {
    op: "TensorScatterUpdate",
    inputs: [
      [6, 2],
      [2, 2],
    ],
    constants: [fromNumbers("int32", [2, 1], [4, 1])],
    order: "a0b",
  },
  Tile: { op: "Tile", inputs: [[2, 3]], constants: [ints(1, 2)] },
  BroadcastTo: { op: "BroadcastTo", inputs: [[2, 1, 3]], constants: [ints(2, 4, 3)] },
  Pad: { op: "Pad", inputs: [[2, 3]], constants: [fromNumbers("int32", [2, 2], [0, 0, 1, 2])] },
  PadV2: { op: "PadV2", inputs: [[2, 3]], constants: [fromNumbers("int32", [2, 2], [0, 0, 1, 2]), float(0.5)] },
  "MirrorPad reflect": {
    op: "MirrorPad",
    inputs: [[2, 5]],
    constants: [fromNumbers("int32", [2, 2], [0, 0, 2, 3])],
    attr: { mode: attr.text("REFLECT") },
  },
  "MirrorPad symmetric": {
    op: "MirrorPad",
    inputs: [[2, 5]],
    constants: [fromNumbers("int32", [2, 2], [0, 0, 2, 3])],
    attr: { mode: attr.text("SYMMETRIC") },
  },
  ReverseV2: { op: "ReverseV2", inputs: [[2, 3, 4]], constants: [ints(0, 2)] },
  Shape: { op: "Shape", inputs: [[2, 3, 4]] },
  Rank: { op: "Rank", inputs: [[2, 3, 4]] },
  Size: { op: "Size", inputs: [[2, 3, 4]] },
  Fill: { op: "Fill", inputs: [randomTensor("float32", [], "fill")], constants: [ints(2, 3)], order: "0a" },
  OneHot: {
    op: "OneHot",
    inputs: [integers([2, 3], -1, 6)],
    constants: [int(5), float(2), float(-1)],
    attr: { axis: attr.int(-1), T: attr.type("DT_FLOAT") },
  },
  ResizeBilinear: { op: "ResizeBilinear", inputs: [[2, 4, 5, 2]], constants: [ints(8, 10)] },
  "ResizeBilinear to odd sizes": { op: "ResizeBilinear", inputs: [[2, 4, 5, 2]], constants: [ints(7, 3)] },
  "ResizeBilinear by corners": { op: "ResizeBilinear", inputs: [[2, 4, 5, 2]], constants: [ints(7, 9)], attr: corners },
  "ResizeBilinear by centres": { op: "ResizeBilinear", inputs: [[2, 4, 5, 2]], constants: [ints(7, 9)], attr: centres },
  ResizeNearestNeighbor: { op: "ResizeNearestNeighbor", inputs: [[2, 4, 5, 2]], constants: [ints(7, 10)] },
  "ResizeNearestNeighbor by corners": {
    op: "ResizeNearestNeighbor",
    inputs: [[2, 4, 5, 2]],
    constants: [ints(7, 9)],
    attr: corners,
  },
  "ResizeNearestNeighbor by centres": {
    op: "ResizeNearestNeighbor",
    inputs: [[2, 4, 5, 2]],
    constants: [ints(7, 3)],
    attr: centres,
  },
  DepthToSpace: {
    op: "DepthToSpace",
    inputs: [[2, 3, 4, 8]],
    attr: { block_size: attr.int(2), data_format: attr.text("NHWC") },
  },
  SpaceToBatchND: {
    op: "SpaceToBatchND",
    inputs: [[2, 5, 6, 3]],
    constants: [ints(2, 3), fromNumbers("int32", [2, 2], [1, 0, 0, 3])],
  },
  BatchToSpaceND: {
    op: "BatchToSpaceND",
    inputs: [[12, 3, 3, 2]],
    constants: [ints(2, 3), fromNumbers("int32", [2, 2], [1, 0, 0, 2])],
  },
};

describe("operators as TensorFlow.js computes them", () => {
  it.each(Object.keys(cases))("%s", async (name) => {
    const { model, feeds } = modelOf(cases[name]!);
    await expectAgreement(model, feeds);
  });

  it("reads every operator that these models have, and lists it", () => {
    for (const { op } of Object.values(cases)) expect(TFJS_READ.operators).toContain(op);
    expect(TFJS_READ.operators.length).toBeGreaterThan(140);
  });
});

const nodesOf = (...list: readonly (readonly [string, string, readonly string[], GraphNode["attr"]?])[]): GraphNode[] =>
  list.map(([name, op, input, attributes]) => ({
    name,
    op,
    input,
    ...(attributes === undefined ? {} : { attr: attributes }),
  }));

describe("graphs", () => {
  it("keeps the batch open through shapes that are computed", async () => {
    const model = graphModel({
      inputs: { x: { dtype: "float32", shape: [-1, 2, 6] } },
      constants: { zero: ints(0), one: ints(1), rows: int(3), rest: int(-1) },
      nodes: nodesOf(
        ["shape", "Shape", ["x"]],
        ["batch", "StridedSlice", ["shape", "zero", "one", "one"], { shrink_axis_mask: attr.int(1) }],
        ["sizes", "Pack", ["batch", "rows", "rest"], { axis: attr.int(0) }],
        ["y", "Reshape", ["x", "sizes"]],
      ),
      outputs: ["y"],
    });
    const graph = await expectAgreement(model, { x: randomTensor("float32", [5, 2, 6], "x") });
    expect(graph.nodes.map((node) => node.op)).toEqual(["Reshape"]);
    expect(graph.values.get(graph.outputs[0]!)!.type.shape).toEqual(["N", 3, 4]);
  });

  it("binds the batch to 1 where a model mixes it with other sizes", async () => {
    const model = graphModel({
      inputs: { x: { dtype: "float32", shape: [-1, 2, 6] } },
      constants: { flat: ints(-1, 3) },
      nodes: nodesOf(["y", "Reshape", ["x", "flat"]]),
      outputs: ["y"],
    });
    const graph = await expectAgreement(model, { x: randomTensor("float32", [1, 2, 6], "x") });
    expect(graph.values.get(graph.inputs[0]!)!.type.shape).toEqual([1, 2, 6]);
  });

  const branches = (
    predicate: readonly string[],
    extra: GraphNode[],
    constants: Record<string, Tensor>,
    inputs: Record<string, { dtype: string; shape: number[] }>,
  ) =>
    graphModel({
      inputs: { x: { dtype: "float32", shape: [2, 3] }, ...inputs },
      constants,
      nodes: [
        ...extra,
        ...nodesOf(
          ["switch", "Switch", ["x", ...predicate]],
          ["no", "Neg", ["switch"]],
          ["yes", "Exp", ["switch:1"]],
          ["y", "Merge", ["no", "yes"]],
        ),
      ],
      outputs: ["y"],
    });

  it.each([0, 1])("takes the branch that a constant decides (%i)", async (value) => {
    const model = branches(["p"], [], { p: tensor("bool", [], Uint8Array.of(value)) }, {});
    const graph = await expectAgreement(model, { x: randomTensor("float32", [2, 3], "x") });
    expect(graph.nodes.map((node) => node.op)).toEqual([value === 1 ? "Exp" : "Neg"]);
  });

  it.each([0, 1])("computes both branches and chooses where an input decides (%i)", async (value) => {
    const model = branches(["p"], [], {}, { p: { dtype: "bool", shape: [] } });
    await expectAgreement(model, {
      x: randomTensor("float32", [2, 3], "x"),
      p: tensor("bool", [], Uint8Array.of(value)),
    });
  });

  it("names inputs and outputs as the file does, also an input that is an output and a constant that is one", async () => {
    const model = graphModel({
      inputs: { x: { dtype: "float32", shape: [2, 3] } },
      constants: { k: weights([4]) },
      nodes: nodesOf(["same", "Identity", ["x"]], ["y", "Relu", ["x"]]),
      outputs: ["same", "k", "y"],
    });
    const graph = await expectAgreement(model, { x: randomTensor("float32", [2, 3], "x") });
    expect(graph.outputs.map((id) => graph.values.get(id)!.name)).toEqual(["same", "k", "y"]);
  });
});
