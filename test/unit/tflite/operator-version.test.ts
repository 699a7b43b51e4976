import { describe, expect, it } from "vitest";
import {
  decodeTflite,
  operatorVersion,
  type TfliteDType,
  type TfliteOperator,
  type TfliteOptions,
  type TfliteTensor,
  tfliteOptions,
} from "../../../src/formats/tflite/codec/index.ts";
import { CORPUS_MISSING, corpusFiles, corpusFolder } from "./corpus.ts";

interface Case {
  readonly opcode: TfliteOperator["opcode"];
  readonly inputs: readonly TfliteDType[];
  readonly output?: TfliteDType;
  readonly shape?: readonly number[];
  readonly scales?: number;
  readonly options?: TfliteOptions;
  readonly version: number;
}

function versionOf({ opcode, inputs, output, shape = [1, 2, 2, 4], scales = 0, options }: Case): number {
  const tensor = (dtype: TfliteDType, index: number): TfliteTensor => ({
    name: `t${index}`,
    shape,
    dtype,
    buffer: 0,
    ...(scales === 0
      ? {}
      : { quantization: { scales: Array(scales).fill(1), zeroPoints: Array(scales).fill(0), quantizedDimension: 3 } }),
  });
  const tensors = [...inputs, output ?? inputs[0]!].map(tensor);
  const indices = inputs.map((_, index) => index);
  return operatorVersion(
    { opcode, inputs: indices, outputs: [inputs.length], ...(options === undefined ? {} : { options }) },
    tensors,
  );
}

// Versions as tensorflow/lite/tools/versioning/op_version_test.cc and converted files have them.
const CASES: readonly Case[] = [
  { opcode: "CONV_2D", inputs: ["float32", "float32", "float32"], version: 1 },
  { opcode: "CONV_2D", inputs: ["uint8", "uint8", "int32"], version: 1 },
  { opcode: "CONV_2D", inputs: ["int8", "int8", "int32"], version: 3 },
  { opcode: "CONV_2D", inputs: ["int8", "int4", "int32"], version: 7 },
  { opcode: "CONV_2D", inputs: ["float32", "int8", "float32"], version: 2 },
  { opcode: "CONV_2D", inputs: ["float32", "int8", "float32"], scales: 4, version: 5 },
  { opcode: "DEPTHWISE_CONV_2D", inputs: ["float32", "float32"], version: 1 },
  {
    opcode: "DEPTHWISE_CONV_2D",
    inputs: ["float32", "float32"],
    options: tfliteOptions("DepthwiseConv2DOptions", { dilationHFactor: 2 }),
    version: 2,
  },
  { opcode: "DEPTHWISE_CONV_2D", inputs: ["int8", "int8", "int32"], version: 3 },
  { opcode: "FULLY_CONNECTED", inputs: ["float32", "float32", "float32"], version: 1 },
  { opcode: "FULLY_CONNECTED", inputs: ["float32", "float32"], version: 6 },
  { opcode: "FULLY_CONNECTED", inputs: ["int8", "int8", "int32"], version: 4 },
  {
    opcode: "FULLY_CONNECTED",
    inputs: ["int8", "int8", "int32"],
    options: tfliteOptions("FullyConnectedOptions", { keepNumDims: true }),
    version: 5,
  },
  { opcode: "ADD", inputs: ["float32", "float32"], version: 1 },
  { opcode: "ADD", inputs: ["int8", "int8"], version: 2 },
  { opcode: "MUL", inputs: ["int8", "int8"], version: 2 },
  { opcode: "MUL", inputs: ["int8", "int8"], scales: 1, version: 3 },
  { opcode: "AVERAGE_POOL_2D", inputs: ["int8"], version: 2 },
  { opcode: "MAX_POOL_2D", inputs: ["int16"], version: 3 },
  { opcode: "SOFTMAX", inputs: ["int8"], version: 2 },
  { opcode: "LOGISTIC", inputs: ["int8"], version: 2 },
  { opcode: "MEAN", inputs: ["int8", "int32"], version: 2 },
  { opcode: "PAD", inputs: ["int8", "int32"], version: 2 },
  { opcode: "CONCATENATION", inputs: ["int8", "int8"], version: 2 },
  { opcode: "RESHAPE", inputs: ["int8", "int32"], version: 1 },
  { opcode: "HARD_SWISH", inputs: ["int8"], version: 1 },
  { opcode: "LEAKY_RELU", inputs: ["int8"], version: 1 },
  { opcode: "QUANTIZE", inputs: ["float32"], output: "int8", version: 1 },
  { opcode: "DEQUANTIZE", inputs: ["int8"], output: "float32", version: 2 },
  { opcode: "DEQUANTIZE", inputs: ["float16"], output: "float32", version: 3 },
  { opcode: "TRANSPOSE", inputs: ["float32", "int32"], shape: [1, 2, 2, 2, 2], version: 4 },
  { opcode: "SPLIT", inputs: ["int32", "int8"], output: "int8", version: 2 },
  {
    opcode: "RESIZE_NEAREST_NEIGHBOR",
    inputs: ["int8", "int32"],
    options: tfliteOptions("ResizeNearestNeighborOptions", { halfPixelCenters: true }),
    version: 3,
  },
  { opcode: "BROADCAST_TO", inputs: ["float32", "int32"], version: 2 },
];

describe("operatorVersion", () => {
  it.each(CASES)("$opcode of $inputs is version $version", (example) => {
    expect(versionOf(example)).toBe(example.version);
  });

  it.skipIf(corpusFolder === null)(`agrees with converted int8 and float32 files (${CORPUS_MISSING})`, () => {
    const files = corpusFiles("tflite").filter(({ name }) =>
      /^(mlperf|stm|tflm_(hello|micro))(?!.*dynrange)/.test(name),
    );
    expect(files.length).toBeGreaterThan(8);
    for (const { name, read } of files) {
      for (const { operators, tensors } of decodeTflite(read()).subgraphs) {
        for (const { version, ...operator } of operators) {
          if (operator.opcode === "CUSTOM") continue;
          expect(operatorVersion(operator, tensors), `${name}: ${operator.opcode}`).toBe(version);
        }
      }
    }
  });
});
