import { describe, expect, it } from "vitest";
import { dsCnn, mobilenetV2, resnet8, resnet10Wide } from "../../../src/architectures/index.ts";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { decodeTflite, emitTflite, lowerToTflite, writeTflite } from "../../../src/formats/tflite/index.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { deployPipeline, runPasses } from "../../../src/passes/index.ts";
import { MCU_SCHEME, observedValues, planQuantization, quantizeGraph } from "../../../src/quantize/index.ts";
import { float32, fromNumbers, int64s, scalar, seededRandom } from "../../../src/tensor/index.ts";

const weight = (seed: number, ...shape: number[]) => {
  const random = seededRandom(seed, "weight");
  return float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
};

/** A graph with one fixed range for every activation: enough for structure. */
function quantized(graph: Graph): Graph {
  const names = observedValues(graph, planQuantization(graph, MCU_SCHEME)).map((id) => valueById(graph, id).name);
  return quantizeGraph(graph, new Map(names.map((name) => [name, { low: -1, high: 1 }])));
}

const opcodes = (graph: Graph) => lowerToTflite(graph).model.subgraphs[0]!.operators.map((operator) => operator.opcode);

describe("reference architectures", () => {
  const architectures = { dsCnn, mobilenetV2, resnet8, resnet10Wide };

  it.each(Object.entries(architectures))("%s needs no transpose, no reshape, and one operator a layer", (_, make) => {
    const graph = runPasses(make(1), deployPipeline);
    for (const form of [graph, quantized(graph)]) {
      const { model, inputs, notes } = lowerToTflite(form);
      const { operators, tensors } = model.subgraphs[0]!;
      const used = new Set(operators.map((operator) => operator.opcode));
      const known = ["ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "PAD"];
      expect([...used].filter((opcode) => !known.includes(opcode))).toEqual([]);
      expect(notes.every((note) => note.code === "pad")).toBe(true);
      expect(inputs[0]!.layout).toEqual([0, 2, 3, 1]);
      const touched = new Set(operators.flatMap((operator) => [...operator.inputs, ...operator.outputs]));
      expect(tensors.every((_, index) => touched.has(index))).toBe(true);
    }
  });

  it("folds every clamp into the layer in front of it", () => {
    const { operators } = lowerToTflite(runPasses(mobilenetV2(1), deployPipeline)).model.subgraphs[0]!;
    const fused = operators.filter(
      (operator) => (operator.options as { fusedActivationFunction?: string }).fusedActivationFunction === "RELU6",
    );
    expect(fused.length).toBeGreaterThan(10);
  });
});

describe("files", () => {
  const graph = runPasses(dsCnn(1), deployPipeline);

  it("are the same bytes for the same graph", () => {
    expect(writeTflite(graph)).toEqual(writeTflite(graph));
    expect(writeTflite(quantized(graph))).toEqual(writeTflite(quantized(graph)));
  });

  it("hold each block of constants once, buffer 0 empty, and a signature with the graph's names", () => {
    const model = decodeTflite(writeTflite(graph, { name: "ds_cnn" }));
    const keys = model.buffers.map((bytes) => Buffer.from(bytes).toString("base64"));
    expect(keys[0]).toBe("");
    expect(new Set(keys).size).toBe(keys.length);
    expect(model.signatures[0]).toMatchObject({
      key: "serving_default",
      inputs: [{ name: "input" }],
      outputs: [{ name: "logits" }],
    });
    expect(model.description).toBe("ds_cnn");
  });

  it("state int8 operators by the converter's versions and the oldest runtime that has them", () => {
    const { model } = emitTflite(quantized(graph));
    const entry = model.metadata.find((item) => item.name === "min_runtime_version")!;
    expect(Buffer.from(entry.bytes).toString("latin1").replaceAll("\0", "")).toBe("1.14.0");
    const float = emitTflite(graph).model.metadata[0]!;
    expect(Buffer.from(float.bytes).toString("latin1").replaceAll("\0", "")).toBe("1.5.0");
  });

  it("give int8 models int8 borders with the scales of the graph, biases int32 at input scale x weight scale", () => {
    const { model, inputs, outputs } = lowerToTflite(quantized(graph));
    expect([inputs[0]!.dtype, outputs[0]!.dtype]).toEqual(["int8", "int8"]);
    const { operators, tensors } = model.subgraphs[0]!;
    for (const operator of operators.filter(({ opcode }) => opcode.endsWith("CONV_2D"))) {
      const [x, w, b] = operator.inputs.map((index) => tensors[index]!);
      expect(b!.dtype).toBe("int32");
      const scales = w!.quantization!.scales.map((scale) => Math.fround(scale * x!.quantization!.scales[0]!));
      expect(b!.quantization!.scales).toEqual(scales);
      expect(w!.quantization!.quantizedDimension).toBe(operator.opcode === "CONV_2D" ? 0 : 3);
      expect(w!.quantization!.zeroPoints.every((point) => point === 0)).toBe(true);
    }
  });
});

describe("layouts", () => {
  it("permute a fully connected weight instead of transposing what was flattened", () => {
    const b = newBuilder("flatten");
    const x = b.input("x", { dtype: "float32", shape: ["N", 2, 4, 4] });
    const y = b.node("Conv", [x, b.constant("w", weight(1, 3, 2, 3, 3))]);
    b.output(b.node("Gemm", [b.node("Flatten", [y]), b.constant("fc", weight(2, 5, 12))], { transB: 1 }));
    expect(opcodes(b.build())).toEqual(["CONV_2D", "FULLY_CONNECTED"]);
  });

  it("absorb the transposes of a model that was channels last before", () => {
    const b = newBuilder("nhwc");
    const x = b.input("x", { dtype: "float32", shape: ["N", 4, 4, 2] });
    const y = b.node("Conv", [
      b.node("Transpose", [x], { perm: [0, 3, 1, 2] }),
      b.constant("w", weight(1, 3, 2, 3, 3)),
    ]);
    b.output(b.node("Transpose", [y], { perm: [0, 2, 3, 1] }));
    const { model, inputs, notes } = lowerToTflite(b.build());
    expect(model.subgraphs[0]!.operators.map((operator) => operator.opcode)).toEqual(["CONV_2D"]);
    expect(inputs[0]).toMatchObject({ shape: [1, 4, 4, 2], layout: [0, 1, 2, 3] });
    expect(notes).toEqual([]);
  });

  it("say which node forces a transpose", () => {
    const b = newBuilder("forced");
    const x = b.input("x", { dtype: "float32", shape: ["N", 2, 4, 4] });
    const y = b.node("Conv", [x, b.constant("w", weight(1, 3, 2, 1, 1))]);
    b.output(b.node("Softmax", [b.node("Flatten", [y], {}, { name: "rows" })], {}, { name: "softmax" }));
    const { notes } = lowerToTflite(b.build());
    expect(notes.map((note) => [note.code, note.node])).toEqual([["transpose", "softmax"]]);
  });

  it("keep an output of rank 4 channels last and describe it", () => {
    const b = newBuilder("image");
    const x = b.input("x", { dtype: "float32", shape: ["N", 2, 5, 4] });
    b.output(b.node("Conv", [x, b.constant("w", weight(1, 3, 2, 1, 1))]));
    expect(lowerToTflite(b.build()).outputs[0]).toMatchObject({ shape: [1, 5, 4, 3], layout: [0, 2, 3, 1] });
  });
});

describe("what others wrote", () => {
  it("takes uint8 pairs as int8 with the zero point moved by 128", () => {
    const b = newBuilder("uint8");
    const x = b.input("x", { dtype: "float32", shape: [1, 4] });
    const scale = b.constant("s", scalar("float32", 0.5));
    const zero = b.constant("z", scalar("uint8", 128));
    const q = b.node("QuantizeLinear", [x, scale, zero]);
    const y = b.node("Relu", [b.node("DequantizeLinear", [q, scale, zero])]);
    b.output(b.node("DequantizeLinear", [b.node("QuantizeLinear", [y, scale, zero]), scale, zero]));
    const { inputs } = lowerToTflite(b.build());
    expect(inputs[0]).toMatchObject({ dtype: "int8", quantization: { scales: [0.5], zeroPoints: [0] } });
  });

  it("moves a Q and a DQ over a reshape, which changes nothing, so that it runs on int8", () => {
    const b = newBuilder("moved");
    const x = b.input("x", { dtype: "float32", shape: [1, 8] });
    const pair = (id: number, s: number) => {
      const operands = [b.constant("s", scalar("float32", s)), b.constant("z", scalar("int8", 3))];
      return b.node("DequantizeLinear", [b.node("QuantizeLinear", [id, ...operands]), ...operands]);
    };
    const image = pair(b.node("Reshape", [x, b.constant("shape", int64s([1, 2, 2, 2]))]), 0.1);
    const y = pair(b.node("Relu", [image]), 0.2);
    b.output(b.node("Reshape", [y, b.constant("flat", int64s([8, 1]))]));
    const { model, inputs, outputs } = lowerToTflite(b.build());
    expect(model.subgraphs[0]!.operators.map((operator) => operator.opcode)).toEqual(["RESHAPE", "RELU", "RESHAPE"]);
    expect([inputs[0]!.dtype, outputs[0]!.dtype]).toEqual(["int8", "int8"]);
  });

  it("widens float16 weights in the runtime, at half the size", () => {
    const b = newBuilder("half");
    const x = b.input("x", { dtype: "float32", shape: [1, 64] });
    const half = fromNumbers("float16", [32, 64], weight(1, 32, 64).data);
    const w = b.node("Cast", [b.constant("w", half)], { to: 1 });
    b.output(b.node("Gemm", [x, w], { transB: 1 }));
    const { model } = lowerToTflite(b.build());
    expect(model.subgraphs[0]!.operators.map((operator) => operator.opcode)).toEqual(["DEQUANTIZE", "FULLY_CONNECTED"]);
    expect(Math.max(...model.buffers.map((bytes) => bytes.length))).toBe(32 * 64 * 2);
  });
});

describe("refusals", () => {
  const refusal = (make: (b: ReturnType<typeof newBuilder>) => number): EspalierError => {
    const b = newBuilder("refused");
    b.output(make(b));
    try {
      lowerToTflite(b.build());
    } catch (error) {
      if (error instanceof EspalierError) return error;
      throw error;
    }
    throw new Error("was not refused");
  };

  it("name the operator, the node and what to do", () => {
    const error = refusal((b) =>
      b.node("Det", [b.input("x", { dtype: "float32", shape: [1, 4, 4] })], {}, { name: "volume" }),
    );
    expect(error).toMatchObject({
      code: "unsupported",
      message: "Det has no TFLite form",
      where: 'node "volume" (Det)',
    });
    expect(error.hint).toContain("Known:");
  });

  it.each([
    [
      "a computed weight",
      (b: ReturnType<typeof newBuilder>) => {
        const x = b.input("x", { dtype: "float32", shape: [1, 2, 4, 4] });
        return b.node("Conv", [x, b.input("w", { dtype: "float32", shape: [3, 2, 1, 1] })]);
      },
      /computed weight/,
    ],
    [
      "an unknown image size",
      (b: ReturnType<typeof newBuilder>) =>
        b.node("Relu", [b.input("x", { dtype: "float32", shape: ["N", 2, "H", 4] })]),
      /unknown size "H"/,
    ],
    [
      "a region of a resize",
      (b: ReturnType<typeof newBuilder>) => {
        const x = b.input("x", { dtype: "float32", shape: [1, 2, 4, 4] });
        const region = b.constant("roi", float32([8], [0, 0, 0.2, 0.2, 1, 1, 0.8, 0.8]));
        const sizes = b.constant("sizes", int64s([1, 2, 8, 8]));
        return b.node("Resize", [x, region, null, sizes], { coordinate_transformation_mode: "tf_crop_and_resize" });
      },
      /tf_crop_and_resize/,
    ],
    [
      "int16 with a zero point",
      (b: ReturnType<typeof newBuilder>) => {
        const x = b.input("x", { dtype: "float32", shape: [1, 4] });
        const operands = [b.constant("s", scalar("float32", 0.5)), b.constant("z", scalar("int16", 5))];
        return b.node("QuantizeLinear", [x, ...operands]);
      },
      /zero point of 5/,
    ],
    [
      "a sequence that is too long to unroll",
      (b: ReturnType<typeof newBuilder>) => {
        const x = b.input("x", { dtype: "float32", shape: [2000, 1, 2] });
        const weights = [b.constant("w", weight(1, 1, 3, 2)), b.constant("r", weight(2, 1, 3, 3))];
        return b.nodes("RNN", [x, ...weights], { hidden_size: 3 }, { outputs: 2 })[0]!;
      },
      /2000 steps/,
    ],
  ])("refuse %s", (_, make, message) => {
    const error = refusal(make);
    expect(error.code).toBe("unsupported");
    expect(error.message).toMatch(message);
    expect(error.hint).toBeDefined();
  });
});
