import { describe, expect, it } from "vitest";
import { type Padding, tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { above, differences, type ModelSpec, type TensorSpec } from "./models.ts";

function weights(shape: readonly number[], label: string): TensorSpec {
  const random = seededRandom(3, label);
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: size }, () => random.next() * 2 - 1) };
}

const conv = (padding: Padding, stride: number, dilation: number) =>
  tfliteOptions("Conv2DOptions", {
    padding,
    strideH: stride,
    strideW: stride + (dilation > 1 ? 0 : 1),
    dilationHFactor: dilation,
    dilationWFactor: dilation,
    fusedActivationFunction: "RELU6",
  });

describe.each(["SAME", "VALID"] as const)("with %s padding", (padding) => {
  it("reads convolutions: strided, dilated, depthwise with a multiplier, transposed", async () => {
    const found = await differences({
      tensors: {
        x: { shape: [1, 8, 9, 3] },
        w: weights([5, 3, 4, 3], "w"),
        b: weights([5], "b"),
        d: weights([1, 3, 2, 6], "d"),
        e: weights([6], "e"),
        t: weights([4, 3, 5, 3], "t"),
        shape: { dtype: "int32", data: padding === "SAME" ? [1, 16, 18, 4] : [1, 17, 21, 4] },
      },
      inputs: ["x"],
      operators: [
        { op: "CONV_2D", inputs: ["x", "w", "b"], outputs: ["strided"], options: conv(padding, 2, 1) },
        { op: "CONV_2D", inputs: ["x", "w", "b"], outputs: ["dilated"], options: conv(padding, 1, 2) },
        {
          op: "DEPTHWISE_CONV_2D",
          inputs: ["x", "d", "e"],
          outputs: ["depthwise"],
          options: tfliteOptions("DepthwiseConv2DOptions", { padding, strideH: 2, strideW: 2, depthMultiplier: 2 }),
        },
        {
          op: "TRANSPOSE_CONV",
          inputs: ["shape", "t", "x"],
          outputs: ["transposed"],
          options: tfliteOptions("TransposeConvOptions", { padding, strideH: 2, strideW: 2 }),
        },
      ],
    });
    expect(Object.keys(found).length).toBe(4);
    expect(above(found, 1e-5)).toEqual({});
  });

  it("reads pools", async () => {
    const options = tfliteOptions("Pool2DOptions", {
      padding,
      strideH: 2,
      strideW: 3,
      filterHeight: 3,
      filterWidth: 2,
    });
    const found = await differences({
      tensors: { x: { shape: [1, 8, 9, 3] } },
      inputs: ["x"],
      operators: (["AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"] as const).map((op) => ({
        op,
        inputs: ["x"],
        outputs: [op],
        options,
      })),
    });
    expect(above(found, 1e-5)).toEqual({});
  });
});

it("reads resizes in every convention of centres, and blocks of depth", async () => {
  const size: TensorSpec = { dtype: "int32", data: [7, 11] };
  const modes = [{}, { alignCorners: true }, { halfPixelCenters: true }];
  const found = await differences({
    tensors: { x: { shape: [1, 4, 6, 8] }, size },
    inputs: ["x"],
    operators: [
      ...modes.map((mode, i) => ({
        op: "RESIZE_BILINEAR" as const,
        inputs: ["x", "size"],
        outputs: [`bilinear ${i}`],
        options: tfliteOptions("ResizeBilinearOptions", mode),
      })),
      ...modes.map((mode, i) => ({
        op: "RESIZE_NEAREST_NEIGHBOR" as const,
        inputs: ["x", "size"],
        outputs: [`nearest ${i}`],
        options: tfliteOptions("ResizeNearestNeighborOptions", mode),
      })),
      {
        op: "DEPTH_TO_SPACE",
        inputs: ["x"],
        outputs: ["d2s"],
        options: tfliteOptions("DepthToSpaceOptions", { blockSize: 2 }),
      },
      {
        op: "SPACE_TO_DEPTH",
        inputs: ["x"],
        outputs: ["s2d"],
        options: tfliteOptions("SpaceToDepthOptions", { blockSize: 2 }),
      },
      { op: "L2_NORMALIZATION", inputs: ["x"], outputs: ["l2"], options: tfliteOptions("L2NormOptions") },
      {
        op: "LOCAL_RESPONSE_NORMALIZATION",
        inputs: ["x"],
        outputs: ["lrn"],
        options: tfliteOptions("LocalResponseNormalizationOptions", { radius: 2, bias: 1.5, alpha: 0.3, beta: 0.6 }),
      },
    ],
  });
  expect(Object.keys(found).length).toBe(10);
  expect(above(found, 1e-5)).toEqual({});
});

it("reads products of matrices", async () => {
  const spec: ModelSpec = {
    tensors: {
      x: { shape: [2, 3, 4] },
      y: { shape: [2, 5, 4] },
      w: weights([6, 4], "fc"),
      b: weights([6], "fcb"),
      wide: weights([6, 12], "wide"),
    },
    inputs: ["x", "y"],
    operators: [
      {
        op: "FULLY_CONNECTED",
        inputs: ["x", "w", "b"],
        outputs: ["rows"],
        options: tfliteOptions("FullyConnectedOptions"),
      },
      {
        op: "FULLY_CONNECTED",
        inputs: ["x", "w", "b"],
        outputs: ["kept"],
        options: tfliteOptions("FullyConnectedOptions", { keepNumDims: true, fusedActivationFunction: "RELU" }),
      },
      {
        op: "FULLY_CONNECTED",
        inputs: ["x", "wide", null],
        outputs: ["flattened"],
        options: tfliteOptions("FullyConnectedOptions"),
      },
      {
        op: "BATCH_MATMUL",
        inputs: ["x", "y"],
        outputs: ["product"],
        options: tfliteOptions("BatchMatMulOptions", { adjY: true }),
      },
    ],
  };
  expect(above(await differences(spec), 1e-5)).toEqual({});
});
