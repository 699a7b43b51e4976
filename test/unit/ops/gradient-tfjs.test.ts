import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { int64s, type Tensor } from "../../../src/tensor/index.ts";
import { buildCase, type GradientCase } from "./check-gradient.ts";

/** The same function in TF.js, over the same (channels-first) tensors. */
interface Twin extends GradientCase {
  readonly twin: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const nhwc = (x: tf.Tensor) => tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D;
const nchw = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
/** OIHW to HWIO. */
const hwio = (w: tf.Tensor) => tf.transpose(w, [2, 3, 1, 0]) as tf.Tensor4D;
type Pads = [[number, number], [number, number], [number, number], [number, number]];
const pads = (top: number, left: number, bottom: number, right: number): Pads => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

type Gates = readonly tf.Tensor2D[];
const affine = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
  tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, true), b);
const gatesOf = (z: tf.Tensor, count: number): Gates => tf.split(z as tf.Tensor2D, count, 1);

/** All states [T, 1, N, H] of a recurrence over x [T, N, I], from a step that is given what the input and the state make of their weights. */
function recurrence(
  [x, w, r, b]: readonly tf.Tensor[],
  step: (ofInput: tf.Tensor, h: tf.Tensor, ofState: (h: tf.Tensor) => tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const [inputBias, stateBias] = tf.split(tf.reshape(b!, [-1]), 2);
  const [weight, recurrent] = [tf.squeeze(w!, [0]), tf.squeeze(r!, [0])];
  let h: tf.Tensor = tf.zeros([x!.shape[1]!, recurrent.shape[1]!]);
  const states = tf.unstack(x!).map((now) => {
    h = step(affine(now, weight, inputBias!), h, (state) => affine(state, recurrent, stateBias!));
    return h;
  });
  return tf.expandDims(tf.stack(states), 1);
}

/** ONNX LSTM-14, gates i o f c. */
function lstm(...inputs: tf.Tensor[]): tf.Tensor {
  let cell: tf.Tensor = tf.scalar(0);
  return recurrence(inputs, (ofInput, h, ofState) => {
    const [i, o, f, g] = gatesOf(tf.add(ofInput, ofState(h)), 4);
    cell = tf.add(tf.mul(tf.sigmoid(f!), cell), tf.mul(tf.sigmoid(i!), tf.tanh(g!)));
    return tf.mul(tf.sigmoid(o!), tf.tanh(cell));
  });
}

/** ONNX GRU-14, gates z r h, linear before reset. */
function gru(...inputs: tf.Tensor[]): tf.Tensor {
  return recurrence(inputs, (ofInput, h, ofState) => {
    const [xz, xr, xn] = gatesOf(ofInput, 3);
    const [hz, hr, hn] = gatesOf(ofState(h), 3);
    const z = tf.sigmoid(tf.add(xz!, hz!));
    const n = tf.tanh(tf.add(xn!, tf.mul(tf.sigmoid(tf.add(xr!, hr!)), hn!)));
    return tf.add(tf.mul(tf.sub(1, z), n), tf.mul(z, h));
  });
}

const recurrentInputs = (gates: number) => [
  [5, 2, 3],
  [1, 4 * gates, 3],
  [1, 4 * gates, 4],
  [1, 8 * gates],
];

const twins: Twin[] = [
  { name: "LSTM", op: "LSTM", inputs: recurrentInputs(4), attrs: { hidden_size: 4 }, twin: lstm },
  {
    name: "GRU, linear before reset",
    op: "GRU",
    inputs: recurrentInputs(3),
    attrs: { hidden_size: 4, linear_before_reset: 1 },
    twin: gru,
  },
  {
    name: "Pad, reflect",
    op: "Pad",
    inputs: [[2, 3, 4, 5], int64s([0, 0, 2, 1, 0, 0, 1, 3])],
    attrs: { mode: "reflect" },
    // TF.js has mirrorPad, but its gradient forgets what was mirrored.
    twin: (x) => tf.gather(tf.gather(x!, [2, 1, 0, 1, 2, 3, 2], 2), [1, 0, 1, 2, 3, 4, 3, 2, 1], 3),
  },
  {
    name: "ConvTranspose, padded",
    op: "ConvTranspose",
    inputs: [
      [2, 3, 4, 4],
      [3, 2, 4, 4],
    ],
    attrs: { strides: [2, 2], pads: [1, 1, 1, 1] },
    twin: (x, w) =>
      nchw(tf.conv2dTranspose(nhwc(x!), tf.transpose(w!, [2, 3, 1, 0]) as tf.Tensor4D, [2, 8, 8, 2], 2, "same")),
  },
  {
    name: "LayerNormalization",
    op: "LayerNormalization",
    inputs: [[3, 4, 6], [6], [6]],
    attrs: { epsilon: 1e-3 },
    twin: (x, scale, bias) => {
      const centred = tf.sub(x!, tf.mean(x!, -1, true));
      const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-3));
      return tf.add(tf.mul(tf.div(centred, deviation), scale!), bias!);
    },
  },
  {
    name: "Conv",
    op: "Conv",
    inputs: [
      [2, 3, 6, 5],
      [4, 3, 3, 3],
    ],
    attrs: { pads: [1, 1, 1, 1] },
    twin: (x, w) => nchw(tf.conv2d(nhwc(x!), hwio(w!), 1, pads(1, 1, 1, 1))),
  },
  {
    name: "Conv stride 2, uneven pads",
    op: "Conv",
    inputs: [
      [2, 3, 7, 6],
      [4, 3, 3, 3],
    ],
    attrs: { strides: [2, 2], pads: [0, 1, 1, 0] },
    twin: (x, w) => nchw(tf.conv2d(nhwc(x!), hwio(w!), 2, pads(0, 1, 1, 0))),
  },
  {
    name: "Conv 1x1 stride 2",
    op: "Conv",
    inputs: [
      [2, 3, 6, 6],
      [4, 3, 1, 1],
    ],
    attrs: { strides: [2, 2] },
    twin: (x, w) => nchw(tf.conv2d(nhwc(x!), hwio(w!), 2, "valid")),
  },
  {
    name: "Conv many channels, few positions",
    op: "Conv",
    inputs: [
      [3, 9, 2, 2],
      [8, 9, 3, 3],
    ],
    attrs: { pads: [1, 1, 1, 1] },
    twin: (x, w) => nchw(tf.conv2d(nhwc(x!), hwio(w!), 1, pads(1, 1, 1, 1))),
  },
  {
    name: "Conv depthwise",
    op: "Conv",
    inputs: [
      [2, 3, 6, 5],
      [3, 1, 3, 3],
    ],
    attrs: { group: 3, pads: [1, 1, 1, 1] },
    twin: (x, w) => nchw(tf.depthwiseConv2d(nhwc(x!), tf.transpose(w!, [2, 3, 0, 1]) as tf.Tensor4D, 1, "same")),
  },
  {
    name: "Conv depthwise stride 2",
    op: "Conv",
    inputs: [
      [2, 3, 7, 7],
      [3, 1, 3, 3],
    ],
    attrs: { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] },
    twin: (x, w) => nchw(tf.depthwiseConv2d(nhwc(x!), tf.transpose(w!, [2, 3, 0, 1]) as tf.Tensor4D, 2, "same")),
  },
  {
    name: "ConvTranspose",
    op: "ConvTranspose",
    inputs: [
      [2, 3, 4, 4],
      [3, 2, 2, 2],
    ],
    attrs: { strides: [2, 2] },
    // TF.js: weight [h, w, out, in].
    twin: (x, w) =>
      nchw(tf.conv2dTranspose(nhwc(x!), tf.transpose(w!, [2, 3, 1, 0]) as tf.Tensor4D, [2, 8, 8, 2], 2, "valid")),
  },
  {
    name: "MaxPool",
    op: "MaxPool",
    inputs: [[2, 3, 6, 6]],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    twin: (x) => nchw(tf.maxPool(nhwc(x!), 2, 2, "valid")),
  },
  {
    name: "MaxPool overlapping",
    op: "MaxPool",
    inputs: [[2, 3, 7, 7]],
    attrs: { kernel_shape: [3, 3], strides: [2, 2] },
    twin: (x) => nchw(tf.maxPool(nhwc(x!), 3, 2, "valid")),
  },
  {
    name: "AveragePool",
    op: "AveragePool",
    inputs: [[2, 3, 6, 6]],
    attrs: { kernel_shape: [3, 3], strides: [1, 1] },
    twin: (x) => nchw(tf.avgPool(nhwc(x!), 3, 1, "valid")),
  },
  {
    name: "GlobalAveragePool",
    op: "GlobalAveragePool",
    inputs: [[2, 3, 4, 4]],
    twin: (x) => tf.mean(x!, [2, 3], true),
  },
  {
    name: "MatMul",
    op: "MatMul",
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    twin: (a, b) => tf.matMul(a!, b!),
  },
  {
    name: "Gemm",
    op: "Gemm",
    inputs: [[3, 4], [5, 4], [5]],
    attrs: { transB: 1 },
    twin: (a, b, c) => tf.add(tf.matMul(a!, b!, false, true), c!),
  },
  { name: "Relu", op: "Relu", inputs: [[3, 7]], twin: (x) => tf.relu(x!) },
  { name: "LeakyRelu", op: "LeakyRelu", inputs: [[3, 7]], attrs: { alpha: 0.2 }, twin: (x) => tf.leakyRelu(x!, 0.2) },
  { name: "Elu", op: "Elu", inputs: [[3, 7]], twin: (x) => tf.elu(x!) },
  { name: "Sigmoid", op: "Sigmoid", inputs: [[3, 7]], twin: (x) => tf.sigmoid(x!) },
  { name: "Tanh", op: "Tanh", inputs: [[3, 7]], twin: (x) => tf.tanh(x!) },
  { name: "Softplus", op: "Softplus", inputs: [[3, 7]], twin: (x) => tf.softplus(x!) },
  { name: "Erf", op: "Erf", inputs: [[3, 7]], twin: (x) => tf.erf(x!) },
  { name: "Exp", op: "Exp", inputs: [[3, 7]], twin: (x) => tf.exp(x!) },
  { name: "Abs", op: "Abs", inputs: [[3, 7]], twin: (x) => tf.abs(x!) },
  { name: "Selu", op: "Selu", inputs: [[3, 7]], twin: (x) => tf.selu(x!) },
  { name: "Sin", op: "Sin", inputs: [[3, 7]], twin: (x) => tf.sin(x!) },
  { name: "Cos", op: "Cos", inputs: [[3, 7]], twin: (x) => tf.cos(x!) },
  { name: "Tan", op: "Tan", inputs: [[3, 7]], draw: (r) => r.next(), twin: (x) => tf.tan(x!) },
  { name: "Asin", op: "Asin", inputs: [[3, 7]], draw: (r) => 0.8 * r.next(), twin: (x) => tf.asin(x!) },
  { name: "Acos", op: "Acos", inputs: [[3, 7]], draw: (r) => 0.8 * r.next(), twin: (x) => tf.acos(x!) },
  { name: "Atan", op: "Atan", inputs: [[3, 7]], twin: (x) => tf.atan(x!) },
  { name: "Sinh", op: "Sinh", inputs: [[3, 7]], twin: (x) => tf.sinh(x!) },
  { name: "Cosh", op: "Cosh", inputs: [[3, 7]], twin: (x) => tf.cosh(x!) },
  { name: "Asinh", op: "Asinh", inputs: [[3, 7]], twin: (x) => tf.asinh(x!) },
  { name: "Acosh", op: "Acosh", inputs: [[3, 7]], draw: (r) => 1.2 + r.next(), twin: (x) => tf.acosh(x!) },
  { name: "Atanh", op: "Atanh", inputs: [[3, 7]], draw: (r) => 0.8 * r.next(), twin: (x) => tf.atanh(x!) },
  {
    name: "CumSum, exclusive",
    op: "CumSum",
    inputs: [[3, 7], int64s([1])],
    attrs: { exclusive: 1 },
    twin: (x) => tf.cumsum(x!, 1, true),
  },
  {
    name: "LRN",
    op: "LRN",
    inputs: [[2, 6, 2, 3]],
    attrs: { size: 3, alpha: 0.9, beta: 0.6, bias: 2 },
    // TF.js multiplies the sum by alpha itself, and its radius leaves the middle out.
    twin: (x) => nchw(tf.localResponseNormalization(nhwc(x!), 1, 2, 0.3, 0.6)),
  },
  { name: "PRelu", op: "PRelu", inputs: [[3, 7], [7]], twin: (x, slope) => tf.prelu(x!, slope!) },
  {
    name: "Add, broadcast",
    op: "Add",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    twin: (a, b) => tf.add(a!, b!),
  },
  {
    name: "Mul, broadcast",
    op: "Mul",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    twin: (a, b) => tf.mul(a!, b!),
  },
  {
    name: "Div, broadcast",
    op: "Div",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    twin: (a, b) => tf.div(a!, b!),
  },
  { name: "Softmax", op: "Softmax", inputs: [[3, 5]], twin: (x) => tf.softmax(x!) },
  { name: "LogSoftmax", op: "LogSoftmax", inputs: [[3, 5]], twin: (x) => tf.logSoftmax(x!) },
  {
    name: "ReduceSum",
    op: "ReduceSum",
    inputs: [[2, 3, 4], int64s([0, 2])],
    attrs: { keepdims: 0 },
    twin: (x) => tf.sum(x!, [0, 2]),
  },
  { name: "ReduceMean", op: "ReduceMean", inputs: [[2, 3, 4], int64s([1])], twin: (x) => tf.mean(x!, 1, true) },
  {
    name: "ReduceMax",
    op: "ReduceMax",
    inputs: [[2, 3, 4], int64s([2])],
    attrs: { keepdims: 0 },
    twin: (x) => tf.max(x!, 2),
  },
  {
    name: "ReduceMin",
    op: "ReduceMin",
    inputs: [[2, 3, 4], int64s([2])],
    attrs: { keepdims: 0 },
    twin: (x) => tf.min(x!, 2),
  },
  {
    name: "ReduceL2",
    op: "ReduceL2",
    inputs: [[2, 3, 4], int64s([1])],
    attrs: { keepdims: 0 },
    twin: (x) => tf.euclideanNorm(x!, 1),
  },
  {
    name: "BatchNormalization",
    op: "BatchNormalization",
    inputs: [[2, 3, 4, 2], [3], [3], [3], [3]],
    attrs: { epsilon: 1e-3 },
    draw: (r) => 0.5 + r.next(),
    twin: (x, scale, bias, mean, variance) =>
      nchw(
        tf.batchNorm(
          nhwc(x!),
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          bias as tf.Tensor1D,
          scale as tf.Tensor1D,
          1e-3,
        ),
      ),
  },
];

function toTf(t: Tensor): tf.Tensor {
  return tf.tensor(t.data as Float32Array, [...t.shape]);
}

function greatestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let greatest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    // A NaN on either side must not pass.
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= greatest)) greatest = difference;
  }
  return greatest;
}

describe("gradients against TF.js", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });

  it.each(twins)("$name", async (test) => {
    const built = await buildCase(test);
    try {
      const { outputs, gradients } = await built.run(built.feeds);
      const inputs = Object.values(built.feeds).map(toTf);
      const y = test.twin(...inputs);
      expect(greatestDifference(outputs[0]!.data as Float32Array, y.dataSync()), "output").toBeLessThan(1e-4);
      const expected = tf.grads((...xs: tf.Tensor[]) => test.twin(...xs))(inputs, toTf(built.seeds[0]!));
      for (const [i, gradient] of gradients.entries())
        expect(
          greatestDifference(gradient.data as Float32Array, expected[i]!.dataSync()),
          `gradient of input ${i}`,
        ).toBeLessThan(2e-4);
    } finally {
      await built.close();
    }
  });
});
