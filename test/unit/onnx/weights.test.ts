import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  ModelProtoSchema,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "../../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { externalFiles, readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { readTensor, writeTensor } from "../../../src/formats/onnx/tensors.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { float32, fromNumbers, int64s, toNumbers } from "../../../src/tensor/index.ts";
import { expectSame } from "./against-original.ts";
import { graph, modelBytes, node } from "./model-bytes.ts";

const bytesOf = (array: Float32Array | Float64Array) => new Uint8Array(array.buffer);

function constant(read: Graph, name: string) {
  const found = [...read.values.values()].find((value) => value.name === name)?.data;
  return found === undefined ? null : { dtype: found.dtype, shape: found.shape, values: Array.from(toNumbers(found)) };
}

/** y = x + w with w as it is given. */
function withWeight(
  w: TensorProto,
  dtype: "float32" | "float64" | "float16" | "int64" = "float32",
  opset = 21,
): Uint8Array {
  return modelBytes({
    opset,
    nodes: [node("Add", ["x", "w"], ["y"])],
    inputs: [{ name: "x", dtype, shape: [2] }],
    outputs: [{ name: "y", dtype }],
    initialisers: [w],
  });
}

describe("weights in every spelling", () => {
  const shape = { dims: [2n], name: "w" };
  it.each([
    ["float_data", { dataType: 1, floatData: [bytesOf(Float32Array.of(1.5, -2))] }, "float32", [1.5, -2]],
    [
      "float_data in two chunks",
      { dataType: 1, floatData: [bytesOf(Float32Array.of(1.5)), bytesOf(Float32Array.of(-2))] },
      "float32",
      [1.5, -2],
    ],
    ["double_data", { dataType: 11, doubleData: [bytesOf(Float64Array.of(0.1, 2))] }, "float64", [0.1, 2]],
    ["int64_data", { dataType: 7, int64Data: [5n, -6n] }, "int64", [5, -6]],
    ["int32_data of int8", { dataType: 3, int32Data: [5, -6] }, "int8", [5, -6]],
    ["int32_data of bool", { dataType: 9, int32Data: [0, 1] }, "bool", [0, 1]],
    ["int32_data of float16", { dataType: 10, int32Data: [0x3c00, 0xc000] }, "float16", [1, -2]],
    ["int32_data of bfloat16", { dataType: 16, int32Data: [0x3f80, 0xc000] }, "float32", [1, -2]],
    ["raw bfloat16", { dataType: 16, rawData: Uint8Array.of(0x80, 0x3f, 0x00, 0xc0) }, "float32", [1, -2]],
    ["raw int4", { dataType: 22, rawData: Uint8Array.of(0x8f) }, "int8", [-1, -8]],
    ["raw uint4", { dataType: 21, rawData: Uint8Array.of(0x8f) }, "uint8", [15, 8]],
    ["int32_data of int4", { dataType: 22, int32Data: [0x7a] }, "int8", [-6, 7]],
    ["uint64_data of uint32", { dataType: 12, uint64Data: [7n, 4294967295n] }, "uint32", [7, 4294967295]],
    ["uint64_data", { dataType: 13, uint64Data: [7n, 9n] }, "uint64", [7, 9]],
  ] as const)("%s", (_, fields, dtype, values) => {
    const proto = create(TensorProtoSchema, { ...shape, ...(fields as object) });
    const read = readTensor(proto, "w");
    expect([read.dtype, ...read.shape]).toEqual([dtype, 2]);
    expect(Array.from(toNumbers(read))).toEqual(values);
  });

  it.each([
    [17, "float8e4m3fn"],
    [20, "float8e5m2fnuz"],
    [8, "string"],
    [14, "complex64"],
    [99, "number 99"],
  ])("type %i is refused as %s", (dataType, name) => {
    const proto = create(TensorProtoSchema, { ...shape, dataType, rawData: Uint8Array.of(1, 2) });
    expect(() => readOnnx(withWeight(proto))).toThrow(`The element type ${name} is not supported`);
  });

  it("refuses data that does not fit its shape, with both numbers", () => {
    const typed = create(TensorProtoSchema, { ...shape, dataType: 1, floatData: [bytesOf(Float32Array.of(1, 2, 3))] });
    expect(() => readOnnx(withWeight(typed))).toThrow("A float32 tensor of shape [2] needs 8 bytes, the file has 12");
    const large = create(TensorProtoSchema, { name: "w", dims: [1n << 40n], dataType: 1 });
    expect(() => readOnnx(withWeight(large))).toThrow("Shape [1099511627776] is not the shape of a tensor");
  });
});

describe("4-bit weights", () => {
  const int4 = create(TensorProtoSchema, {
    name: "w",
    dims: [2n, 2n],
    dataType: 22,
    rawData: Uint8Array.of(0x8f, 0x71),
  });
  const model = (nodes: ReturnType<typeof node>[], s: number[]) =>
    modelBytes({
      opset: 21,
      nodes,
      inputs: [{ name: "x", shape: ["N", 2] }],
      outputs: [{ name: "y" }],
      initialisers: [int4],
      weights: { s: float32(s.length === 4 ? [2, 2] : [s.length], s) },
    });

  it("stay integers behind DequantizeLinear", async () => {
    const nodes = [node("DequantizeLinear", ["w", "s"], ["r"], { axis: 1 }), node("MatMul", ["x", "r"], ["y"])];
    const read = await expectSame(model(nodes, [0.5, 0.25]));
    expect(constant(read, "w")).toEqual({ dtype: "int8", shape: [2, 2], values: [-1, -8, 1, 7] });
  });

  it("in blocks are spread over their blocks", async () => {
    const nodes = [
      node("DequantizeLinear", ["w", "s"], ["r"], { axis: 0, block_size: 1 }),
      node("MatMul", ["x", "r"], ["y"]),
    ];
    await expectSame(model(nodes, [0.5, 0.25, 1, 2]));
  });

  it("are refused where something would saturate to their type", () => {
    const nodes = [
      node("Add", ["w", "w"], ["r"]),
      node("Cast", ["r"], ["c"], { to: 1 }),
      node("MatMul", ["x", "c"], ["y"]),
    ];
    expect(() => readOnnx(model(nodes, [1]))).toThrow('Add reads the 4-bit weights "w"');
  });
});

describe("sparse weights", () => {
  const sparse = (dims: bigint[], indices: ReturnType<typeof int64s>, values = [1, 2]) =>
    create(SparseTensorProtoSchema, {
      values: writeTensor(float32([values.length], values), "w"),
      indices: writeTensor(indices, ""),
      dims,
    });
  const model = (proto: ReturnType<typeof sparse>) =>
    modelBytes({
      nodes: [node("MatMul", ["x", "w"], ["y"])],
      inputs: [{ name: "x", shape: [1, 2] }],
      outputs: [{ name: "y" }],
      sparse: [proto],
    });

  it("become dense, by flat index and by row", async () => {
    const flat = await expectSame(model(sparse([2n, 3n], int64s([1, 5]))));
    expect(constant(flat, "w")?.values).toEqual([0, 1, 0, 0, 0, 2]);
    const rows = readOnnx(model(sparse([2n, 3n], { ...int64s([0, 2, 1, 0]), shape: [2, 2] })));
    expect(constant(rows, "w")?.values).toEqual([0, 0, 1, 2, 0, 0]);
  });

  it("are refused when they would be far larger than the file, or point outside", () => {
    expect(() => readOnnx(model(sparse([2n, 1n << 28n], int64s([1, 5]))))).toThrow(/when dense/);
    expect(() => readOnnx(model(sparse([2n, 3n], int64s([1, 6]))))).toThrow(
      "Index 6 of a sparse tensor is outside shape [2, 3]",
    );
  });
});

describe("weights in other files", () => {
  const external = (entries: Record<string, string>) =>
    create(TensorProtoSchema, {
      name: "w",
      dims: [2n],
      dataType: 1,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const data = new Uint8Array(16);
  new Float32Array(data.buffer).set([9, 1.5, -2, 9]);
  const files = new Map([["w.bin", data]]);

  it("are listed, and read from the bytes that the caller gives", () => {
    const bytes = withWeight(external({ location: "w.bin", offset: "4", length: "8" }));
    expect(externalFiles(bytes)).toEqual(["w.bin"]);
    expect(constant(readOnnx(bytes, { files }), "w")?.values).toEqual([1.5, -2]);
  });

  it("are listed from sub-graphs too", () => {
    const inner = graph({
      nodes: [node("Add", ["x", "w"], ["z"])],
      outputs: [{ name: "z" }],
      initialisers: [external({ location: "deep/w.bin" })],
    });
    const nodes = [node("If", ["c"], ["y"], { then_branch: inner, else_branch: inner })];
    const inputs = [
      { name: "x", shape: [2] },
      { name: "c", dtype: "bool" as const, shape: [] },
    ];
    expect(externalFiles(modelBytes({ nodes, inputs, outputs: [{ name: "y" }] }))).toEqual(["deep/w.bin"]);
  });

  it.each([
    [{ location: "gone.bin" }, 'The weights are in the file "gone.bin", which was not given'],
    [{ location: "w.bin", offset: "12", length: "8" }, 'The weights end at byte 20 of "w.bin", which has 16 bytes'],
    [{ location: "w.bin", length: "4" }, "The tensor needs 8 bytes, its external data has 4"],
    [{ location: "w.bin", offset: "-4" }, 'The offset of external data must be a number of bytes, it is "-4"'],
    [{ offset: "4" }, "External data names no location"],
  ])("%o is refused", (entries, message) => {
    expect(() => readOnnx(withWeight(external(entries)), { files })).toThrow(message);
  });
});

describe("Constant nodes", () => {
  it.each([
    ["value", { value: float32([2], [1, 2]) }, "float32", [2], [1, 2]],
    ["value_float", { value_float: { float: 2 } }, "float32", [], [2]],
    ["value_floats", { value_floats: [1.5, 2] }, "float32", [2], [1.5, 2]],
    ["value_int", { value_int: 3 }, "int64", [], [3]],
    ["value_ints", { value_ints: [3, 4] }, "int64", [2], [3, 4]],
  ] as const)("%s", (_, attrs, dtype, shape, values) => {
    const nodes = [node("Constant", [], ["c"], attrs), node("Identity", ["c"], ["y"])];
    const read = readOnnx(modelBytes({ nodes, outputs: [{ name: "y", dtype }] }));
    expect(constant(read, "y")).toEqual({ dtype, shape: [...shape], values: [...values] });
  });

  it("refuses one that holds text, naming what it holds", () => {
    const bytes = modelBytes({ nodes: [node("Constant", [], ["y"], { value_string: "a" })], outputs: [{ name: "y" }] });
    expect(() => readOnnx(bytes)).toThrow("This Constant holds value_string, not a tensor of numbers");
  });
});

describe("writeOnnx", () => {
  it("states opset 21 for 16-bit quantisation, and 20 otherwise", () => {
    const model = (dtype: "int8" | "int16") =>
      modelBytes({
        opset: 21,
        nodes: [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])],
        inputs: [{ name: "x", shape: [2] }],
        outputs: [{ name: "y" }],
        weights: { s: float32([], [0.5]), z: fromNumbers(dtype, [], [0]) },
      });
    const stated = (dtype: "int8" | "int16") => {
      const written = writeOnnx(readOnnx(model(dtype)));
      const empty = (version: number) =>
        toBinary(
          ModelProtoSchema,
          create(ModelProtoSchema, { opsetImport: [{ domain: "", version: BigInt(version) }] }),
        );
      return [20, 21].filter((version) => Buffer.from(written).includes(Buffer.from(empty(version))));
    };
    expect(stated("int8")).toEqual([20]);
    expect(stated("int16")).toEqual([21]);
  });
});
