import { describe, expect, it } from "vitest";
import { float32, fromNumbers, scalar, seededRandom } from "../../../src/tensor/index.ts";
import { expectSame, operators } from "./against-original.ts";
import { modelBytes, node } from "./model-bytes.ts";

function weights(shape: number[], seed = 1) {
  const random = seededRandom(seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Array.from({ length: count }, () => 0.3 * random.normal()),
  );
}

function ints(dtype: "int8" | "int32", shape: number[], range: number) {
  const random = seededRandom(3);
  const count = shape.reduce((a, b) => a * b, 1);
  return fromNumbers(
    dtype,
    shape,
    Array.from({ length: count }, () => random.below(2 * range) - range),
  );
}

const y = { name: "y" };
const sequence = { name: "x", shape: ["N", 6, 16] };
const ms = "com.microsoft";

const packed = { w: weights([16, 48]), b: weights([48], 2) };
const mask2 = fromNumbers("int32", [2, 6], [1, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1]);

describe("ONNX Runtime's fused operators give what it gives", () => {
  it.each([
    ["Gelu", ["x"], {}, {}],
    ["QuickGelu", ["x"], {}, {}],
    ["BiasGelu", ["x", "b"], { b: weights([16]) }, {}],
    ["FastGelu", ["x", "b"], { b: weights([16]) }, {}],
    ["FusedMatMul", ["x", "w"], { w: weights([5, 16]) }, { alpha: 0.5, transB: 1 }],
    ["Attention", ["x", "w", "b"], packed, { num_heads: 4 }],
    ["Attention", ["x", "w", "b"], packed, { num_heads: 4, unidirectional: 1 }],
    ["Attention", ["x", "w", "b", "m"], { ...packed, m: mask2 }, { num_heads: 4 }],
  ] as const)("%s of %o", async (op, inputs, operands, attrs) => {
    const fixed = "m" in operands ? { name: "x", shape: [2, 6, 16] } : sequence;
    const nodes = [node(op, inputs, ["y"], attrs, ms)];
    await expectSame(modelBytes({ nodes, inputs: [fixed], outputs: [y], weights: operands }));
  });

  it.each([
    ["SkipLayerNormalization", ["x", "s", "g", "b", "c"]],
    ["SkipSimplifiedLayerNormalization", ["x", "s", "g", "c"]],
  ])("%s with the sum that it hands on", async (op, inputs) => {
    const nodes = [node(op, inputs, ["y", "", "", "sum"], { epsilon: 1e-5 }, ms)];
    const operands = { g: weights([16]), b: weights([16], 2), c: weights([16], 3) };
    const bytes = modelBytes({
      nodes,
      inputs: [sequence, { name: "s", shape: ["N", 6, 16] }],
      outputs: [y, { name: "sum" }],
      weights: operands,
    });
    await expectSame(bytes);
  });

  it("MultiHeadAttention with a bias and keys of another length", async () => {
    const inputs = [sequence, ...["k", "v"].map((name) => ({ name, shape: ["N", 5, 16] }))];
    const nodes = [node("MultiHeadAttention", ["x", "k", "v", "b"], ["y"], { num_heads: 4 }, ms)];
    await expectSame(modelBytes({ nodes, inputs, outputs: [y], weights: { b: weights([48]) } }));
  });

  it("RotaryEmbedding over halves and over pairs", async () => {
    for (const interleaved of [0, 1]) {
      const nodes = [node("RotaryEmbedding", ["x", "p", "c", "s"], ["y"], { interleaved }, ms)];
      const operands = { p: fromNumbers("int64", [1], [3]), c: weights([20, 4]), s: weights([20, 4], 2) };
      const inputs = [{ name: "x", shape: [2, 6, 16] }];
      await expectSame(modelBytes({ nodes, inputs, outputs: [y], weights: operands }));
    }
  });

  it("FusedConv with what it adds, and with bounds", async () => {
    const inputs = [{ name: "x", shape: ["N", 4, 8, 8] }];
    const operands = { w: weights([4, 4, 3, 3]), b: weights([4]) };
    const attrs = { pads: [1, 1, 1, 1] };
    const added = [node("FusedConv", ["x", "w", "b", "x"], ["y"], { ...attrs, activation: "Relu" }, ms)];
    await expectSame(modelBytes({ nodes: added, inputs, outputs: [y], weights: operands }));
    const bounds = { activation: "Clip", activation_params: [-0.125, 0.25] };
    const clipped = [node("FusedConv", ["x", "w", "b"], ["y"], { ...attrs, ...bounds }, ms)];
    expect(
      operators(await expectSame(modelBytes({ nodes: clipped, inputs, outputs: [y], weights: operands }))),
    ).toEqual(["Conv", "Clip"]);
  });
});

describe("quantised operators become QDQ, at most one step away", () => {
  const step = 0.03;
  const quantised = {
    xs: scalar("float32", 0.02),
    xz: scalar("uint8", 120),
    ys: scalar("float32", step),
    yz: scalar("uint8", 100),
    w: ints("int8", [5, 4, 3, 3], 127),
    ws: float32([5], [0.001, 0.002, 0.003, 0.004, 0.005]),
    wz: fromNumbers("int8", [5], [0, 0, 0, 0, 0]),
    bias: ints("int32", [5], 1000),
  };
  const image = [{ name: "x", shape: ["N", 4, 6, 6] }];

  it.each([
    ["QLinearConv", ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz", "bias"], { pads: [1, 1, 1, 1] }, ""],
    ["QLinearAdd", ["q", "xs", "xz", "q", "xs", "xz", "ys", "yz"], {}, ms],
    ["QLinearMul", ["q", "xs", "xz", "q", "xs", "xz", "ys", "yz"], {}, ms],
    ["QLinearGlobalAveragePool", ["q", "xs", "xz", "ys", "yz"], { channels_last: 0 }, ms],
    ["QLinearAveragePool", ["q", "xs", "xz", "ys", "yz"], { kernel_shape: [2, 2], strides: [2, 2] }, ms],
    ["QLinearSigmoid", ["q", "xs", "xz", "ys", "yz"], {}, ms],
    ["QLinearLeakyRelu", ["q", "xs", "xz", "ys", "yz"], { alpha: 0.125 }, ms],
    ["QLinearConcat", ["ys", "yz", "q", "xs", "xz", "q", "xs", "xz"], { axis: 1 }, ms],
  ] as const)("%s", async (op, inputs, attrs, domain) => {
    const nodes = [
      node("QuantizeLinear", ["x", "xs", "xz"], ["q"]),
      node(op, inputs, ["z"], attrs, domain),
      node("DequantizeLinear", ["z", "ys", "yz"], ["y"]),
    ];
    const used = new Set([...inputs, "xs", "xz", "ys", "yz"]);
    const operands = Object.fromEntries(Object.entries(quantised).filter(([name]) => used.has(name as never)));
    const bytes = modelBytes({ nodes, inputs: image, outputs: [y], weights: operands });
    // The outputs of these problems reach well beyond half of their range of 155 steps.
    const graph = await expectSame(bytes, { tolerance: 1.01 / 20 });
    expect(operators(graph).filter((name) => name.startsWith("QLinear"))).toEqual([]);
    expect(operators(graph).filter((name) => name === "QuantizeLinear")).toHaveLength(2);
  });
});
