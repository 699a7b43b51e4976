/** Small models built by hand: convolution 3x3 SAME + ReLU, reshape, fully connected, in float32 and in full int8. */
import { type TfliteModel, type TfliteTensor, tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";

export const TINY = { height: 5, width: 4, inChannels: 2, outChannels: 3, classes: 4 } as const;
const FEATURES = TINY.height * TINY.width * TINY.outChannels;

/** Scales of the int8 model; zero points are chosen to be neither 0 nor equal, so that a mix-up shows. */
export const TINY_INT8 = {
  input: { scale: 0.05, zeroPoint: 3 },
  conv: { scale: 0.04, zeroPoint: -128 },
  output: { scale: 0.11, zeroPoint: 7 },
  convScales: [0.01, 0.02, 0.005],
  fcScale: 0.013,
} as const;

function bytesOf(values: Float32Array | Int32Array | Int8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function uniform(label: string, length: number): Float32Array {
  const random = seededRandom(7, label);
  return Float32Array.from({ length }, () => random.next() * 2 - 1);
}

function integers(label: string, length: number, bound: number): number[] {
  const random = seededRandom(7, label);
  return Array.from({ length }, () => random.below(2 * bound + 1) - bound);
}

/** Weights in TFLite's layouts: convolution [out, kh, kw, in], fully connected [out, in]. */
export const tinyFloatWeights = {
  conv: uniform("conv", TINY.outChannels * 9 * TINY.inChannels),
  convBias: uniform("convBias", TINY.outChannels),
  fc: uniform("fc", TINY.classes * FEATURES),
  fcBias: uniform("fcBias", TINY.classes),
};
export const tinyInt8Weights = {
  conv: Int8Array.from(integers("conv8", TINY.outChannels * 9 * TINY.inChannels, 127)),
  convBias: Int32Array.from(integers("convBias8", TINY.outChannels, 2000)),
  fc: Int8Array.from(integers("fc8", TINY.classes * FEATURES, 127)),
  fcBias: Int32Array.from(integers("fcBias8", TINY.classes, 2000)),
};

type Quantizations = Readonly<Record<string, TfliteTensor["quantization"]>>;

function tinyModel(data: readonly Uint8Array[], quantizations: Quantizations, types: readonly TfliteTensor["dtype"][]) {
  const [activation, weight, bias] = types as readonly [
    TfliteTensor["dtype"],
    TfliteTensor["dtype"],
    TfliteTensor["dtype"],
  ];
  const { height, width, inChannels, outChannels, classes } = TINY;
  const shape = new Int32Array([-1, FEATURES]);
  const make = (name: string, dims: readonly number[], dtype: TfliteTensor["dtype"], buffer = 0): TfliteTensor => {
    const quantization = quantizations[name];
    return { name, shape: dims, dtype, buffer, ...(quantization === undefined ? {} : { quantization }) };
  };
  const model: TfliteModel = {
    version: 3,
    description: "tiny",
    buffers: [new Uint8Array(0), ...data, bytesOf(shape)],
    metadata: [{ name: "min_runtime_version", bytes: new TextEncoder().encode("1.5.0\0\0\0\0\0\0\0\0\0\0\0") }],
    signatures: [
      {
        key: "serving_default",
        subgraph: 0,
        inputs: [{ name: "image", tensor: 0 }],
        outputs: [{ name: "scores", tensor: 8 }],
      },
    ],
    subgraphs: [
      {
        name: "main",
        tensors: [
          make("image", [1, height, width, inChannels], activation),
          make("conv/weight", [outChannels, 3, 3, inChannels], weight, 1),
          make("conv/bias", [outChannels], bias, 2),
          make("conv", [1, height, width, outChannels], activation),
          make("shape", [2], "int32", 5),
          make("flat", [1, FEATURES], activation),
          make("fc/weight", [classes, FEATURES], weight, 3),
          make("fc/bias", [classes], bias, 4),
          make("scores", [1, classes], activation),
        ],
        inputs: [0],
        outputs: [8],
        operators: [
          {
            opcode: "CONV_2D",
            inputs: [0, 1, 2],
            outputs: [3],
            options: tfliteOptions("Conv2DOptions", {
              padding: "SAME",
              strideW: 1,
              strideH: 1,
              fusedActivationFunction: "RELU",
            }),
          },
          {
            opcode: "RESHAPE",
            inputs: [3, 4],
            outputs: [5],
            options: tfliteOptions("ReshapeOptions", { newShape: [-1, FEATURES] }),
          },
          {
            opcode: "FULLY_CONNECTED",
            inputs: [5, 6, 7],
            outputs: [8],
            options: tfliteOptions("FullyConnectedOptions"),
          },
        ],
      },
    ],
  };
  return model;
}

export function tinyFloatModel(): TfliteModel {
  const w = tinyFloatWeights;
  return tinyModel([w.conv, w.convBias, w.fc, w.fcBias].map(bytesOf), {}, ["float32", "float32", "float32"]);
}

export function tinyInt8Model(): TfliteModel {
  const { input, conv, output, convScales, fcScale } = TINY_INT8;
  const one = (q: { readonly scale: number; readonly zeroPoint: number }) => ({
    scales: [Math.fround(q.scale)],
    zeroPoints: [q.zeroPoint],
    quantizedDimension: 0,
  });
  const channels = (scales: readonly number[]) => ({
    scales: scales.map(Math.fround),
    zeroPoints: scales.map(() => 0),
    quantizedDimension: 0,
  });
  const w = tinyInt8Weights;
  return tinyModel(
    [w.conv, w.convBias, w.fc, w.fcBias].map(bytesOf),
    {
      image: one(input),
      "conv/weight": channels(convScales),
      "conv/bias": channels(convScales.map((scale) => scale * input.scale)),
      conv: one(conv),
      flat: one(conv),
      "fc/weight": channels([fcScale]),
      "fc/bias": channels([fcScale * conv.scale]),
      scores: one(output),
    },
    ["int8", "int8", "int32"],
  );
}

/** Sums of a 3x3 SAME convolution of NHWC data, before the activation; `at` reads an input, `w` a weight. */
export function tinyConvolution(
  at: (index: number) => number,
  w: ArrayLike<number>,
  bias: ArrayLike<number>,
): number[] {
  const { height, width, inChannels, outChannels } = TINY;
  const sums: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let o = 0; o < outChannels; o++) {
        let sum = bias[o]!;
        for (let ky = 0; ky < 3; ky++) {
          for (let kx = 0; kx < 3; kx++) {
            const iy = y + ky - 1;
            const ix = x + kx - 1;
            if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
            for (let c = 0; c < inChannels; c++) {
              sum += at((iy * width + ix) * inChannels + c) * w[((o * 3 + ky) * 3 + kx) * inChannels + c]!;
            }
          }
        }
        sums.push(sum);
      }
    }
  }
  return sums;
}

export function tinyDense(features: readonly number[], w: ArrayLike<number>, bias: ArrayLike<number>): number[] {
  return Array.from({ length: TINY.classes }, (_, o) => {
    let sum = bias[o]!;
    for (let i = 0; i < FEATURES; i++) sum += features[i]! * w[o * FEATURES + i]!;
    return sum;
  });
}
