import { describe, expect, it } from "vitest";
import type { EspalierError } from "../../../src/diagnostics/index.ts";
import { readOnnx } from "../../../src/formats/onnx/index.ts";
import { float32, int64s, seededRandom } from "../../../src/tensor/index.ts";
import { expectSame, operators } from "./against-original.ts";
import { modelBytes, node } from "./model-bytes.ts";

const x = { name: "x", shape: [2, 3, 4, 5] };
const y = { name: "y" };

function weights(shape: number[], seed = 5) {
  const random = seededRandom(seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Array.from({ length: count }, () => 0.5 * random.normal()),
  );
}

describe("operators as older opsets had them", () => {
  it.each([0, 1, 2, 3])("Softmax and LogSoftmax of opset 11 flatten at axis %i", async (axis) => {
    const nodes = [node("Softmax", ["x"], ["y"], { axis }), node("LogSoftmax", ["x"], ["z"], { axis })];
    const bytes = modelBytes({ opset: 11, nodes, inputs: [x], outputs: [y, { name: "z" }] });
    await expectSame(bytes);
  });

  it("attributes that became inputs: Clip, Pad, Slice, TopK, Reduce, Squeeze, Unsqueeze, Split of opset 9", async () => {
    const nodes = [
      node("Clip", ["x"], ["clip"], { min: -0.2, max: 0.3 }),
      node("Pad", ["x"], ["pad"], { pads: [0, 0, 1, 1, 0, 0, 1, 2], value: 0.5 }),
      node("Slice", ["x"], ["slice"], { starts: [1, 0], ends: [3, 9], axes: [1, 3] }),
      node("TopK", ["x"], ["top", "index"], { k: 2 }),
      node("ReduceMean", ["x"], ["mean"], { axes: [1] }),
      node("Squeeze", ["mean"], ["squeezed"], { axes: [1] }),
      node("Unsqueeze", ["squeezed"], ["wide"], { axes: [0] }),
      node("Split", ["x"], ["a", "b"], { axis: 2, split: [1, 3] }),
    ];
    const names = ["clip", "pad", "slice", "top", "wide", "a", "b"].map((name) => ({ name }));
    const outputs = [...names, { name: "index", dtype: "int64" } as const];
    await expectSame(modelBytes({ opset: 9, nodes, inputs: [x], outputs }));
  });

  it.each([
    ["Upsample", 7, "nearest", [1, 1, 2, 3]],
    ["Upsample", 9, "linear", [1, 1, 2, 2]],
    ["Resize", 10, "nearest", [1, 1, 2, 2.6]],
    ["Resize", 10, "nearest", [1, 1, 0.6, 0.5]],
    ["Resize", 10, "linear", [1, 1, 0.6, 2.5]],
  ] as const)("%s of opset %i, %s", async (op, opset, mode, scales) => {
    const bytes =
      opset === 7
        ? modelBytes({
            opset,
            nodes: [node(op, ["x"], ["y"], { mode, scales: scales.map((s) => s + 1e-9) })],
            inputs: [x],
            outputs: [y],
          })
        : modelBytes({
            opset,
            nodes: [node(op, ["x", "s"], ["y"], { mode })],
            inputs: [x],
            outputs: [y],
            weights: { s: float32([4], scales) },
          });
    expect(operators(await expectSame(bytes))).toEqual(["Resize"]);
  });

  it("Resize of opset 11 with empty operands, in every coordinate mode", async () => {
    for (const mode of ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "tf_half_pixel_for_nn"]) {
      const attrs = { mode: "linear", coordinate_transformation_mode: mode };
      const nodes = [node("Resize", ["x", "e", "e", "sizes"], ["y"], attrs)];
      const operands = { e: float32([0], []), sizes: int64s([2, 3, 7, 8]) };
      await expectSame(modelBytes({ opset: 11, nodes, inputs: [x], outputs: [y], weights: operands }));
    }
  });

  it("ConvTranspose by its output size and by SAME padding becomes one with pads", async () => {
    for (const attrs of [{ output_shape: [7, 10] }, { auto_pad: "SAME_UPPER" }, { auto_pad: "SAME_LOWER" }]) {
      const nodes = [node("ConvTranspose", ["x", "w"], ["y"], { strides: [2, 2], ...attrs })];
      const bytes = modelBytes({ opset: 11, nodes, inputs: [x], outputs: [y], weights: { w: weights([3, 2, 3, 3]) } });
      await expectSame(bytes);
    }
  });

  it.each([
    ["in evaluation", ["y"]],
    ["in training, which its outputs tell", ["y", "m1", "v1", "m2", "v2"]],
  ])("BatchNormalization of opset 8 %s", async (_, outputs) => {
    const nodes = [node("BatchNormalization", ["x", "a", "b", "a", "v"], outputs)];
    const positive = float32([3], [1, 2, 3]);
    const operands = { a: weights([3]), b: weights([3], 6), v: positive };
    await expectSame(modelBytes({ opset: 8, nodes, inputs: [x], outputs: [y], weights: operands }));
  });

  it("Dropout outside training is the identity, and its mask true", async () => {
    const nodes = [node("Dropout", ["x"], ["y", "mask"])];
    const graph = await expectSame(
      modelBytes({ opset: 13, nodes, inputs: [x], outputs: [y, { name: "mask", dtype: "bool" }] }),
    );
    expect(operators(graph)).toContain("Identity");
    const training = modelBytes({
      opset: 13,
      nodes: [node("Dropout", ["x", "r", "t"], ["y"])],
      inputs: [x],
      outputs: [y],
      weights: { r: float32([], [0.5]), t: { dtype: "bool", shape: [], data: Uint8Array.of(1) } },
    });
    expect(() => readOnnx(training)).toThrow(/training mode/);
  });

  it("recurrent operators with the batch first stand between Transposes", () => {
    for (const [op, gates] of [
      ["LSTM", 4],
      ["GRU", 3],
      ["RNN", 1],
    ] as const) {
      const operands = { w: weights([1, 4 * gates, 5]), r: weights([1, 4 * gates, 4]) };
      const nodes = [node(op, ["x", "w", "r"], ["y", "h"], { hidden_size: 4, layout: 1 })];
      const inputs = [{ name: "x", shape: [2, 6, 5] }];
      const graph = readOnnx(modelBytes({ opset: 14, nodes, inputs, outputs: [y, { name: "h" }], weights: operands }));
      expect(operators(graph).filter((name) => name !== "Transpose")).toEqual([op]);
      const types = graph.outputs.map((id) => graph.values.get(id)!.type.shape.join(","));
      expect(types).toEqual(["2,6,1,4", "2,1,4"]);
    }
  });
});

describe("operators that came after the IR's opset", () => {
  it("GroupNormalization of opset 21 has one scale a channel, of 18 one a group", async () => {
    const inputs = [{ name: "x", shape: ["N", 6, 4, 5] }];
    const wide = { s: weights([6]), b: weights([6], 6) };
    const nodes = [node("GroupNormalization", ["x", "s", "b"], ["y"], { num_groups: 2 })];
    await expectSame(modelBytes({ opset: 21, nodes, inputs, outputs: [y], weights: wide }));
    const narrow = { s: weights([2]), b: weights([2], 6) };
    await expectSame(modelBytes({ opset: 18, nodes, inputs, outputs: [y], weights: narrow }));
  });

  it("RMSNormalization and Attention of opset 23", async () => {
    const inputs = ["q", "k", "v"].map((name) => ({ name, shape: ["N", 4, 6, 8] }));
    const nodes = [
      node("Attention", ["q", "k", "v"], ["a"], { is_causal: 1 }),
      node("RMSNormalization", ["a", "s"], ["y"], { axis: -1 }),
    ];
    await expectSame(modelBytes({ opset: 23, nodes, inputs, outputs: [y], weights: { s: weights([8]) } }), {
      tolerance: 1e-4,
    });
  });
});

describe("opsets", () => {
  const relu = (opset: number) => modelBytes({ opset, nodes: [node("Relu", ["x"], ["y"])], inputs: [x], outputs: [y] });

  it("refuses opsets after 23 with both numbers", () => {
    expect(() => readOnnx(relu(24), { name: "m.onnx" })).toThrow("Opset 24 is not supported");
    try {
      readOnnx(relu(24));
    } catch (error) {
      expect((error as EspalierError).hint).toBe("Export the model with an opset from 7 to 23.");
    }
  });

  it("reads the operators of opset 6 that mean the same today, and broadcasts as it did", async () => {
    const nodes = [node("Add", ["x", "b"], ["y"], { broadcast: 1, axis: 1 })];
    const bytes = modelBytes({ opset: 6, nodes, inputs: [x], outputs: [y], weights: { b: weights([3]) } });
    const graph = readOnnx(bytes);
    expect([...graph.values.values()].find(({ data }) => data?.dtype === "float32")?.type.shape).toEqual([3, 1, 1]);
  });
});
