import { describe, expect, it } from "vitest";
import { encodeTflite, type TfliteModel, tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { readTflite } from "../../../src/formats/tflite/read/index.ts";
import { valueById } from "../../../src/ir/index.ts";
import { loadLiteRt } from "../../../src/runtimes/litert.ts";
import { float32, seededRandom, toNumbers } from "../../../src/tensor/index.ts";
import { tinyFloatModel, tinyInt8Model } from "../tflite/tiny-models.ts";
import {
  above,
  bytesAsStated,
  differences,
  distance,
  type ModelSpec,
  quantization,
  runGraph,
  sample,
  type TensorSpec,
} from "./models.ts";

const ops = (bytes: Uint8Array) => readTflite(bytes).nodes.map(({ op }) => op);

describe("a whole int8 model", () => {
  const bytes = encodeTflite(tinyInt8Model());

  it("keeps weights int8 and biases int32 behind DequantizeLinear, with the axis of the ONNX layout", () => {
    const graph = readTflite(bytes);
    const weight = graph.nodes.find(
      ({ op, outputs }) => op === "DequantizeLinear" && valueById(graph, outputs[0]!).name === "conv/weight",
    )!;
    const [data, scale] = weight.inputs.map((id) => valueById(graph, id!));
    expect(data!.type).toEqual({ dtype: "int8", shape: [3, 2, 3, 3] });
    expect(weight.attrs).toEqual({ axis: 0 });
    expect([...toNumbers(scale!.data!)]).toEqual([0.01, 0.02, 0.005].map(Math.fround));
    const bias = graph.nodes.find(
      ({ op, outputs }) => op === "DequantizeLinear" && valueById(graph, outputs[0]!).name === "fc/bias",
    )!;
    expect(valueById(graph, bias.inputs[0]!).type.dtype).toBe("int32");
    expect(bias.inputs.length).toBe(2);
  });

  it("runs as LiteRT runs it, with the file's integers at its boundary", async () => {
    const graph = readTflite(bytes);
    const session = await loadLiteRt(bytes);
    const x = sample("image", "int8", [1, 5, 4, 2], true);
    const [want] = await session.run([x]);
    session.close();
    const [got] = await runGraph(graph, [x]);
    expect(got!.dtype).toBe("int8");
    expect(distance(toNumbers(got!), toNumbers(want!), false)).toBeLessThanOrEqual(1);
  });
});

it("reads int8 operators of every kind within one step of LiteRT", async () => {
  const q = (scale: number, zeroPoint: number): TensorSpec => ({ dtype: "int8", rest: quantization(scale, zeroPoint) });
  const made = { half: q(1 / 256, -128), tanh: q(1 / 128, 0) };
  const spec: ModelSpec = {
    tensors: {
      x: { shape: [1, 4, 4, 2], ...q(0.05, 3) },
      y: { shape: [1, 4, 4, 2], ...q(0.03, -20) },
      add: q(0.07, -9),
      mul: q(0.12, 5),
      logistic: made.half,
      softmax: made.half,
      tanh: made.tanh,
      swish: q(0.05, -60),
      max: q(0.05, 3),
      pool: q(0.05, 3),
      again: q(0.1, 0),
      real: {},
      mean: q(0.04, 1),
      axes: { dtype: "int32", data: [1, 2] },
      pads: { dtype: "int32", shape: [4, 2], data: [0, 0, 1, 1, 2, 0, 0, 0] },
      pad: q(0.05, 3),
    },
    inputs: ["x", "y"],
    operators: [
      { op: "ADD", inputs: ["x", "y"], outputs: ["add"], options: tfliteOptions("AddOptions") },
      { op: "MUL", inputs: ["x", "y"], outputs: ["mul"], options: tfliteOptions("MulOptions") },
      { op: "LOGISTIC", inputs: ["x"], outputs: ["logistic"] },
      { op: "SOFTMAX", inputs: ["x"], outputs: ["softmax"], options: tfliteOptions("SoftmaxOptions", { beta: 1 }) },
      { op: "TANH", inputs: ["x"], outputs: ["tanh"] },
      { op: "HARD_SWISH", inputs: ["x"], outputs: ["swish"] },
      {
        op: "MAX_POOL_2D",
        inputs: ["x"],
        outputs: ["max"],
        options: tfliteOptions("Pool2DOptions", {
          padding: "VALID",
          strideH: 2,
          strideW: 2,
          filterHeight: 2,
          filterWidth: 2,
        }),
      },
      {
        op: "AVERAGE_POOL_2D",
        inputs: ["x"],
        outputs: ["pool"],
        options: tfliteOptions("Pool2DOptions", {
          padding: "SAME",
          strideH: 1,
          strideW: 1,
          filterHeight: 3,
          filterWidth: 3,
        }),
      },
      { op: "QUANTIZE", inputs: ["x"], outputs: ["again"] },
      { op: "DEQUANTIZE", inputs: ["x"], outputs: ["real"] },
      { op: "MEAN", inputs: ["x", "axes"], outputs: ["mean"], options: tfliteOptions("ReducerOptions") },
      { op: "PAD", inputs: ["x", "pads"], outputs: ["pad"] },
    ],
  };
  const found = await differences(spec);
  expect(Object.keys(found).length).toBe(12);
  expect(above(found, 1)).toEqual({});
  expect(found.real).toBeLessThan(1e-6);
});

it("unpacks int4 weights, the first element from the lower bits", () => {
  const bytes = bytesAsStated({
    tensors: {
      x: { shape: [1, 4] },
      w: { shape: [2, 4], dtype: "int4", bytes: Uint8Array.of(0x21, 0xf3, 0x87, 0x0c), rest: quantization(0.5, 0) },
      y: { shape: [1, 2] },
    },
    inputs: ["x"],
    operators: [
      {
        op: "FULLY_CONNECTED",
        inputs: ["x", "w", null],
        outputs: ["y"],
        options: tfliteOptions("FullyConnectedOptions"),
      },
    ],
  });
  const graph = readTflite(bytes);
  const weight = [...graph.values.values()].find(({ type }) => type.dtype === "int8" && type.shape.length === 2)!;
  expect([...toNumbers(weight.data!)]).toEqual([1, 2, 3, -1, 7, -8, -4, 0]);
});

it("makes float16 weights behind DEQUANTIZE float32 constants", () => {
  const halves = new Uint16Array([0x3c00, 0x4000, 0xc200, 0x3800]);
  const bytes = bytesAsStated({
    tensors: {
      x: { shape: [1, 2] },
      h: { shape: [2, 2], dtype: "float16", bytes: new Uint8Array(halves.buffer) },
      w: { shape: [2, 2] },
      y: { shape: [1, 2] },
    },
    inputs: ["x"],
    outputs: ["y"],
    operators: [
      { op: "DEQUANTIZE", inputs: ["h"], outputs: ["w"] },
      {
        op: "FULLY_CONNECTED",
        inputs: ["x", "w", null],
        outputs: ["y"],
        options: tfliteOptions("FullyConnectedOptions"),
      },
    ],
  });
  const graph = readTflite(bytes);
  expect(graph.nodes.map(({ op }) => op)).toEqual(["Gemm"]);
  const weight = valueById(graph, graph.nodes[0]!.inputs[1]!);
  expect([...toNumbers(weight.data!)]).toEqual([1, 2, -3, 0.5]);
});

it("keeps dynamic-range weights int8 beside float activations, close to LiteRT, which rounds activations too", async () => {
  const random = seededRandom(1, "hybrid");
  const spec: ModelSpec = {
    tensors: {
      x: { shape: [1, 32] },
      w: {
        shape: [8, 32],
        dtype: "int8",
        data: Float32Array.from({ length: 256 }, () => random.below(255) - 127),
        rest: quantization(0.01, 0),
      },
      b: { shape: [8], data: new Float32Array(8).fill(0.5) },
    },
    inputs: ["x"],
    operators: [
      {
        op: "FULLY_CONNECTED",
        inputs: ["x", "w", "b"],
        outputs: ["y"],
        options: tfliteOptions("FullyConnectedOptions"),
      },
    ],
  };
  expect(above(await differences(spec), 0.02)).toEqual({});
  expect(ops(bytesAsStated({ ...spec, tensors: { ...spec.tensors, y: { shape: [1, 8] } } }))).toEqual([
    "DequantizeLinear",
    "Gemm",
  ]);
});

it("rounds to 32-bit integers exactly", async () => {
  const bytes = bytesAsStated({
    tensors: {
      x: { shape: [3], dtype: "int16", rest: quantization(1 / 32768, 0) },
      y: { shape: [3], dtype: "int32", rest: quantization(2 ** -31, 0) },
    },
    inputs: ["x"],
    operators: [{ op: "QUANTIZE", inputs: ["x"], outputs: ["y"] }],
  });
  const graph = readTflite(bytes);
  const [y] = await runGraph(graph, [{ dtype: "int16", shape: [3], data: Int16Array.of(-32768, 12345, 1) }]);
  expect([...toNumbers(y!)]).toEqual([-(2 ** 31), 12345 * 65536, 65536]);
});

it("reads a float model as LiteRT runs it, without a Transpose between its layers", async () => {
  const model: TfliteModel = tinyFloatModel();
  const bytes = encodeTflite(model);
  const graph = readTflite(bytes);
  expect(graph.nodes.map(({ op }) => op)).toEqual(["Transpose", "Conv", "Relu", "Transpose", "Reshape", "Gemm"]);
  const session = await loadLiteRt(bytes);
  const random = seededRandom(2, "image");
  const x = float32(
    [1, 5, 4, 2],
    Float32Array.from({ length: 40 }, () => random.next() - 0.5),
  );
  const [want] = await session.run([x]);
  session.close();
  const [got] = await runGraph(graph, [x]);
  expect(distance(toNumbers(got!), toNumbers(want!), true)).toBeLessThan(1e-6);
});
