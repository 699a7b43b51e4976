import { create } from "@bufbuild/protobuf";
import { SparseTensorProtoSchema, TensorProtoSchema } from "../../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { writeTensor } from "../../../src/formats/onnx/tensors.ts";
import { float32, fromNumbers, int64s, scalar, seededRandom, type Tensor } from "../../../src/tensor/index.ts";
import { type GraphSpec, graph, modelBytes, modelFunction, node, reference } from "./model-bytes.ts";

/** A small file that exercises a corner of the reader, with the files that it names. */
export interface OnnxSpecimen {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const y = { name: "y" };
const ms = "com.microsoft";
const rows = { name: "x", shape: ["N", 4] };
const sequence = { name: "x", shape: ["N", 6, 16] };
const image = { name: "x", shape: ["N", 4, 6, 6] };

function random(shape: number[]): Tensor {
  const draw = seededRandom(3);
  const count = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Array.from({ length: count }, () => draw.normal()),
  );
}

type Spec = GraphSpec & Parameters<typeof modelBytes>[0];

const turn = graph({
  nodes: [node("Add", ["sum", "x"], ["next"]), node("Identity", ["go"], ["goes"])],
  inputs: [{ name: "i" }, { name: "go" }, { name: "sum" }],
  outputs: [{ name: "goes" }, { name: "next" }, { name: "next" }],
});
const step = graph({
  nodes: [node("Add", ["state", "row"], ["next"])],
  inputs: [{ name: "state" }, { name: "row" }],
  outputs: [{ name: "next" }, { name: "next" }],
});
const branch = (op: string) => graph({ nodes: [node(op, ["x"], ["b"])], outputs: [{ name: "b" }] });
const leak = modelFunction({
  domain: "f",
  name: "Leak",
  input: ["a"],
  output: ["c"],
  attribute: ["slope"],
  node: [node("LeakyRelu", ["a"], ["l"]), node("Add", ["l", "l"], ["c"])],
});
leak.node[0]!.attribute.push(reference("alpha", "slope", 1));
const external = create(TensorProtoSchema, {
  name: "w",
  dims: [4n],
  dataType: 1,
  dataLocation: 1,
  externalData: [
    { key: "location", value: "w.bin" },
    { key: "offset", value: "4" },
  ],
});
const int4 = create(TensorProtoSchema, {
  name: "w",
  dims: [4n, 2n],
  dataType: 22,
  rawData: Uint8Array.of(1, 2, 3, 0x8f),
});
const sparse = create(SparseTensorProtoSchema, {
  values: writeTensor(float32([2], [1, 2]), "w"),
  indices: writeTensor(int64s([1, 5]), ""),
  dims: [4n, 3n],
});
const quantised = {
  s: scalar("float32", 0.02),
  z: scalar("uint8", 120),
  w: fromNumbers("int8", [2, 4, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8]),
  ws: float32([2], [0.5, 0.25]),
  wz: fromNumbers("int8", [2], [0, 0]),
  b: fromNumbers("int32", [2], [1, 2]),
};

const specs: Readonly<Record<string, Spec>> = {
  if: {
    nodes: [node("If", ["c"], ["y"], { then_branch: branch("Relu"), else_branch: branch("Neg") })],
    inputs: [rows, { name: "c", dtype: "bool", shape: [1] }],
    outputs: [y],
  },
  loop: {
    nodes: [node("Loop", ["m", "t", "x"], ["y", "z"], { body: turn })],
    inputs: [rows],
    outputs: [y, { name: "z" }],
    weights: { m: scalar("int64", 3), t: scalar("bool", 1) },
  },
  scan: {
    nodes: [node("Scan", ["s", "x"], ["y", "z"], { body: step, num_scan_inputs: 1, scan_input_directions: [1] })],
    inputs: [
      { name: "s", shape: [4] },
      { name: "x", shape: [6, 4] },
    ],
    outputs: [y, { name: "z" }],
  },
  function: {
    nodes: [node("Leak", ["x"], ["y"], { slope: { float: 0.3 } }, "f")],
    inputs: [rows],
    outputs: [y],
    functions: [leak],
    domains: ["f"],
  },
  external: { nodes: [node("Add", ["x", "w"], ["y"])], inputs: [rows], outputs: [y], initialisers: [external] },
  sparse: { nodes: [node("MatMul", ["x", "w"], ["y"])], inputs: [rows], outputs: [y], sparse: [sparse] },
  blocks: {
    opset: 21,
    nodes: [node("DequantizeLinear", ["w", "s"], ["r"], { axis: 0, block_size: 2 }), node("MatMul", ["x", "r"], ["y"])],
    inputs: [rows],
    outputs: [y],
    initialisers: [int4],
    weights: { s: random([2, 2]) },
  },
  attention: {
    nodes: [node("Attention", ["x", "w", "b"], ["y"], { num_heads: 4, unidirectional: 1 }, ms)],
    inputs: [sequence],
    outputs: [y],
    weights: { w: random([16, 48]), b: random([48]) },
  },
  attention23: {
    opset: 23,
    nodes: [node("Attention", ["q", "k", "v"], ["y"], { is_causal: 1, softcap: { float: 2 } })],
    inputs: ["q", "k", "v"].map((name) => ({ name, shape: ["N", 4, 6, 8] })),
    outputs: [y],
  },
  rotary: {
    nodes: [node("RotaryEmbedding", ["x", "p", "c", "c"], ["y"], {}, ms)],
    inputs: [{ name: "x", shape: [2, 6, 16] }],
    outputs: [y],
    weights: { p: int64s([3]), c: random([20, 4]) },
  },
  skip: {
    nodes: [node("SkipLayerNormalization", ["x", "x", "g", "g"], ["y", "", "", "s"], {}, ms)],
    inputs: [sequence],
    outputs: [y, { name: "s" }],
    weights: { g: random([16]) },
  },
  qlinear: {
    nodes: [
      node("QuantizeLinear", ["x", "s", "z"], ["q"]),
      node("QLinearConv", ["q", "s", "z", "w", "ws", "wz", "s", "z", "b"], ["h"]),
      node("QLinearAdd", ["h", "s", "z", "h", "s", "z", "s", "z"], ["y"], {}, ms),
    ],
    inputs: [image],
    outputs: [{ name: "y", dtype: "uint8" }],
    weights: quantised,
  },
  groups: {
    opset: 21,
    nodes: [node("GroupNormalization", ["x", "g", "g"], ["y"], { num_groups: 2 })],
    inputs: [image],
    outputs: [y],
    weights: { g: random([4]) },
  },
  old: {
    opset: 8,
    nodes: [
      node("Upsample", ["x"], ["u"], { mode: "nearest", scales: [1.0001, 1.0001, 2.5, 2.5] }),
      node("Slice", ["u"], ["s"], { starts: [1, 1], ends: [3, 3], axes: [2, 3] }),
      node("Softmax", ["s"], ["t"], { axis: 1 }),
      node("Clip", ["t"], ["y"], { min: 0.25, max: 0.75 }),
    ],
    inputs: [{ name: "x", shape: [1, 4, 6, 6] }],
    outputs: [y],
  },
  gru: {
    opset: 14,
    nodes: [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "zero"], ["batch"]),
      node("Concat", ["batch", "one", "four"], ["state"], { axis: 0 }),
      node("ConstantOfShape", ["state"], ["h"]),
      node("GRU", ["x", "w", "r", "", "", "h"], ["z", "y"], { hidden_size: 4, layout: 1 }),
    ],
    inputs: [{ name: "x", shape: ["N", 5, 3] }],
    outputs: [y, { name: "z" }],
    weights: { zero: int64s([0]), one: int64s([1]), four: int64s([4]), w: random([1, 12, 3]), r: random([1, 12, 4]) },
  },
};

/** A file for each part of the reader that plain operators do not reach: for tests that change it at random. */
export const ONNX_SPECIMENS: readonly OnnxSpecimen[] = Object.entries(specs).map(([name, spec]) => ({
  name: `${name}.onnx`,
  bytes: modelBytes(spec),
  files: name === "external" ? new Map([["w.bin", new Uint8Array(20)]]) : new Map(),
}));
