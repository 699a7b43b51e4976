import { describe, expect, it } from "vitest";
import { lowerToTflite } from "../../../src/formats/tflite/index.ts";
import { legalise } from "../../../src/formats/tflite/legalise/index.ts";
import type { Graph, GraphBuilder, ValueId } from "../../../src/ir/index.ts";
import { newBuilder, validateGraph } from "../../../src/ops/index.ts";
import { float32, fromNumbers, int64s, scalar, seededRandom, tensor } from "../../../src/tensor/index.ts";

const weight = (seed: number, ...shape: number[]) => {
  const random = seededRandom(seed, "weight");
  return float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
};

function graphOf(shape: readonly number[], make: (b: GraphBuilder, x: ValueId) => ValueId): Graph {
  const b = newBuilder("g");
  b.output(make(b, b.input("x", { dtype: "float32", shape })));
  return b.build();
}

const opcodes = (graph: Graph) => lowerToTflite(graph).model.subgraphs[0]!.operators.map((operator) => operator.opcode);
const conv = (b: GraphBuilder, x: ValueId, outputs: number, inputs: number, attrs = {}) =>
  b.node("Conv", [x, b.constant(`w${outputs}`, weight(outputs, outputs, inputs, 1, 1))], attrs);

describe("legalise", () => {
  it("leaves a graph alone that has nothing to compose", () => {
    const graph = graphOf([1, 3, 4, 4], (b, x) => b.node("Relu", [x]));
    expect(legalise(graph)).toBe(graph);
  });

  it("makes graphs that validate and keep the names of their outputs", () => {
    const graph = graphOf([1, 6, 16], (b, x) =>
      b.node("LayerNormalization", [b.node("Selu", [x]), b.constant("s", weight(1, 16))]),
    );
    const made = legalise(graph);
    validateGraph(made);
    const name = (g: Graph) => g.values.get(g.outputs[0]!)!.name;
    expect(name(made)).toBe(name(graph));
    expect(made.nodes.map((node) => node.op)).not.toContain("LayerNormalization");
  });

  it("unrolls a recurrent layer: one product for all inputs, one for each later step", () => {
    const graph = graphOf([5, 1, 3], (b, x) => {
      const weights = [b.constant("w", weight(1, 1, 16, 3)), b.constant("r", weight(2, 1, 16, 4))];
      return b.nodes("LSTM", [x, ...weights], { hidden_size: 4 }, { outputs: 3 })[1]!;
    });
    const made = opcodes(graph);
    expect(made.filter((opcode) => opcode === "FULLY_CONNECTED")).toHaveLength(5);
    expect(made).not.toContain("TRANSPOSE");
  });

  it("picks the channels of a pixel shuffle from the convolution's weights", () => {
    const graph = graphOf([1, 3, 4, 4], (b, x) =>
      b.node("DepthToSpace", [conv(b, x, 12, 3)], { blocksize: 2, mode: "CRD" }),
    );
    expect(opcodes(graph)).toEqual(["CONV_2D", "DEPTH_TO_SPACE"]);
  });
});

describe("layouts", () => {
  it("need no transpose for a channel shuffle that is written as two picks", () => {
    const graph = graphOf([1, 4, 6, 6], (b, x) => {
      const y = b.node("Reshape", [conv(b, x, 8, 4), b.constant("s", int64s([4, 2, 1, 6, 6]))]);
      const half = (i: number) =>
        b.node("Reshape", [
          b.node("Gather", [y, b.constant(`i${i}`, scalar("int64", i))], { axis: 1 }),
          b.constant(`t${i}`, int64s([1, 4, 6, 6])),
        ]);
      return b.node("Concat", [half(0), conv(b, half(1), 4, 4)], { axis: 1 });
    });
    expect(opcodes(graph)).not.toContain("TRANSPOSE");
  });

  it("keep an NHWC interface around resizing and pixel operators", () => {
    const graph = graphOf([1, 6, 6, 4], (b, x) => {
      const y = b.node("Transpose", [x], { perm: [0, 3, 1, 2] });
      const large = b.node("Resize", [y, null, null, b.constant("s", int64s([1, 4, 12, 12]))], { mode: "linear" });
      return b.node("Transpose", [b.node("SpaceToDepth", [large], { blocksize: 2 })], { perm: [0, 2, 3, 1] });
    });
    expect(opcodes(graph)).toEqual(["RESIZE_BILINEAR", "SPACE_TO_DEPTH"]);
  });
});

/** A convolution of integers as a reader of TFLite files gives it: NHWC input and output, weights with a zero point of their own. */
function integerGraph(dtype: "int8" | "uint8", weightZero: number): Graph {
  const b = newBuilder("integers");
  const scale = (name: string, value: number) => b.constant(name, scalar("float32", value));
  const zero = b.constant("z", scalar(dtype, 3));
  const x = b.input("x", { dtype, shape: [1, 4, 4, 2] });
  const real = b.node("DequantizeLinear", [b.node("Transpose", [x], { perm: [0, 3, 1, 2] }), scale("sx", 0.5), zero]);
  const data = fromNumbers(dtype, [3, 2, 1, 1], [1, 2, 3, 4, 5, 6]);
  const w = b.node("DequantizeLinear", [
    b.constant("w", data),
    scale("sw", 0.25),
    b.constant("wz", scalar(dtype, weightZero)),
  ]);
  const y = b.node("QuantizeLinear", [b.node("Conv", [real, w]), scale("sy", 0.75), zero]);
  b.output(b.node("Transpose", [y], { perm: [0, 2, 3, 1] }));
  return b.build();
}

describe("integers at the border", () => {
  it("stay as they are, also where they are moved before they are dequantised", () => {
    const { model, inputs, outputs, notes } = lowerToTflite(integerGraph("int8", 0));
    expect(model.subgraphs[0]!.operators.map((operator) => operator.opcode)).toEqual(["CONV_2D"]);
    expect(inputs[0]).toMatchObject({
      dtype: "int8",
      shape: [1, 4, 4, 2],
      quantization: { scales: [0.5], zeroPoints: [3] },
    });
    expect(outputs[0]).toMatchObject({ dtype: "int8", quantization: { scales: [0.75], zeroPoints: [3] } });
    expect(notes).toEqual([]);
  });

  it("keep the uint8 kernels where weights have a zero point of their own, which int8 kernels cannot take", () => {
    const { model, inputs } = lowerToTflite(integerGraph("uint8", 2));
    const { operators, tensors } = model.subgraphs[0]!;
    expect(operators.map((operator) => operator.opcode)).toEqual(["CONV_2D"]);
    expect(inputs[0]).toMatchObject({ dtype: "uint8", quantization: { zeroPoints: [3] } });
    const filter = tensors[operators[0]!.inputs[1]!]!;
    expect(filter).toMatchObject({ dtype: "uint8", quantization: { zeroPoints: [2] } });
    expect([...model.buffers[filter.buffer]!]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("convert uint8 to int8 inside where the weights allow it, and keep the interface", () => {
    const { model, inputs, outputs } = lowerToTflite(integerGraph("uint8", 128));
    expect(model.subgraphs[0]!.operators.map((operator) => operator.opcode)).toEqual([
      "QUANTIZE",
      "CONV_2D",
      "QUANTIZE",
    ]);
    expect([inputs[0]!.dtype, outputs[0]!.dtype]).toEqual(["uint8", "uint8"]);
  });

  it("run on int16 kernels with a bias of 64 bits, and quantise before a move that comes first", () => {
    const b = newBuilder("wide");
    const scale = (name: string, value: number) => b.constant(name, scalar("float32", value));
    const zero = b.constant("z", scalar("int16", 0));
    const x = b.input("x", { dtype: "int16", shape: [1, 4] });
    const w = b.node("DequantizeLinear", [
      b.constant("w", fromNumbers("int8", [2, 4], [1, 2, 3, 4, 5, 6, 7, 8])),
      scale("sw", 0.25),
    ]);
    const y = b.node(
      "Gemm",
      [b.node("DequantizeLinear", [x, scale("sx", 0.5), zero]), w, b.constant("b", weight(1, 2))],
      { transB: 1 },
    );
    b.output(
      b.node("QuantizeLinear", [b.node("Reshape", [y, b.constant("s", int64s([2, 1]))]), scale("sy", 0.75), zero]),
    );
    const { model, inputs, outputs, notes } = lowerToTflite(b.build());
    const { operators, tensors } = model.subgraphs[0]!;
    expect(operators.map((operator) => operator.opcode)).toEqual(["FULLY_CONNECTED", "RESHAPE"]);
    expect(operators[0]!.inputs.map((index) => tensors[index]!.dtype)).toEqual(["int16", "int8", "int64"]);
    expect([inputs[0]!.dtype, outputs[0]!.dtype, notes.length]).toEqual(["int16", "int16", 0]);
  });

  it("of a kind that no kernel has are rounded to as real numbers", () => {
    const b = newBuilder("grid");
    const x = b.input("x", { dtype: "float32", shape: [1, 4] });
    const operands = [b.constant("s", scalar("float32", 0.5)), b.constant("z", scalar("int16", 5))];
    b.output(b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, ...operands]), ...operands]));
    expect(opcodes(b.build())).toEqual(["DIV", "ROUND", "MAXIMUM", "MINIMUM", "MUL"]);
  });

  it("of two types in one step are computed as real numbers", () => {
    const b = newBuilder("mixed");
    const scale = b.constant("s", scalar("float32", 0.5));
    const real = (name: string, dtype: "int8" | "int16") => {
      const zero = b.constant(`z${name}`, scalar(dtype, 0));
      return b.node("DequantizeLinear", [b.input(name, { dtype, shape: [1, 4] }), scale, zero]);
    };
    const sum = b.node("Add", [real("a", "int8"), real("b", "int16")]);
    b.output(b.node("QuantizeLinear", [sum, scale, b.constant("z", scalar("int8", 0))]));
    expect(opcodes(b.build())).toEqual(["DEQUANTIZE", "DEQUANTIZE", "ADD", "QUANTIZE"]);
  });

  it("are plain numbers without a quantisation", () => {
    const b = newBuilder("pixels");
    const x = b.input("x", { dtype: "uint8", shape: [1, 2, 2, 3] });
    b.output(b.node("Mul", [b.node("Cast", [x], { to: 1 }), b.constant("s", scalar("float32", 1 / 255))]));
    const { model, inputs } = lowerToTflite(b.build());
    expect(model.subgraphs[0]!.operators.map((operator) => operator.opcode)).toEqual(["CAST", "MUL"]);
    expect(inputs[0]).toMatchObject({ dtype: "uint8" });
  });

  it("cross as the graph types them on request: real numbers stay real", () => {
    const b = newBuilder("graph types");
    const x = b.input("x", { dtype: "float32", shape: [1, 4] });
    const operands = [b.constant("s", scalar("float32", 0.5)), b.constant("z", scalar("int8", 0))];
    const real = b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, ...operands]), ...operands]);
    b.output(b.node("QuantizeLinear", [b.node("Relu", [real]), ...operands]));
    const { inputs, outputs } = lowerToTflite(b.build(), { io: "graph" });
    expect([inputs[0]!.dtype, outputs[0]!.dtype]).toEqual(["float32", "int8"]);
  });

  it("gather constants of any type", () => {
    const b = newBuilder("table");
    const at = b.input("at", { dtype: "int64", shape: [2, 1] });
    const table = b.constant("t", tensor("int64", [3, 2], int64s([1, 2, 3, 4, 5, 6]).data));
    b.output(b.node("GatherND", [table, at]));
    const { inputs, outputs } = lowerToTflite(b.build());
    expect([inputs[0]!.dtype, outputs[0]!.dtype]).toEqual(["int32", "int32"]);
  });
});
