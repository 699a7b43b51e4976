import { expect, it } from "vitest";
import { tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { above, differences, type TensorSpec } from "./models.ts";

const ints = (data: readonly number[], shape?: readonly number[]): TensorSpec => ({
  dtype: "int32",
  data,
  shape: shape ?? [data.length],
});
const scalar = (value: number) => ints([value], []);

it("reads reshapes, splits and joins", async () => {
  const found = await differences({
    tensors: {
      x: { shape: [1, 2, 6] },
      shape: ints([3, -1]),
      axis: scalar(2),
      front: scalar(0),
      sizes: ints([1, -1, 2]),
      perm: ints([2, 0, 1]),
      times: ints([1, 2, 1]),
      wide: ints([3, 2, 6]),
    },
    inputs: ["x"],
    operators: [
      { op: "RESHAPE", inputs: ["x", "shape"], outputs: ["reshape"], options: tfliteOptions("ReshapeOptions") },
      {
        op: "RESHAPE",
        inputs: ["x"],
        outputs: ["old reshape"],
        options: tfliteOptions("ReshapeOptions", { newShape: [4, 3] }),
      },
      {
        op: "SQUEEZE",
        inputs: ["x"],
        outputs: ["squeeze"],
        options: tfliteOptions("SqueezeOptions", { squeezeDims: [0] }),
      },
      { op: "SQUEEZE", inputs: ["x"], outputs: ["squeeze all"], options: tfliteOptions("SqueezeOptions") },
      { op: "EXPAND_DIMS", inputs: ["x", "axis"], outputs: ["expand"] },
      { op: "TRANSPOSE", inputs: ["x", "perm"], outputs: ["transpose"] },
      { op: "TILE", inputs: ["x", "times"], outputs: ["tile"] },
      { op: "BROADCAST_TO", inputs: ["x", "wide"], outputs: ["broadcast"] },
      {
        op: "PACK",
        inputs: ["x", "x"],
        outputs: ["pack"],
        options: tfliteOptions("PackOptions", { valuesCount: 2, axis: -1 }),
      },
      {
        op: "UNPACK",
        inputs: ["x"],
        outputs: ["u0", "u1"],
        options: tfliteOptions("UnpackOptions", { num: 2, axis: 1 }),
      },
      {
        op: "SPLIT",
        inputs: ["axis", "x"],
        outputs: ["s0", "s1", "s2"],
        options: tfliteOptions("SplitOptions", { numSplits: 3 }),
      },
      {
        op: "SPLIT_V",
        inputs: ["x", "sizes", "axis"],
        outputs: ["v0", "v1", "v2"],
        options: tfliteOptions("SplitVOptions", { numSplits: 3 }),
      },
      {
        op: "CONCATENATION",
        inputs: ["x", "x"],
        outputs: ["concat"],
        options: tfliteOptions("ConcatenationOptions", { axis: -1 }),
      },
    ],
  });
  expect(Object.keys(found).length).toBe(18);
  expect(above(found, 0)).toEqual({});
});

it("reads slices with every mask", async () => {
  const strided = (
    label: string,
    begin: number[],
    end: number[],
    step: number[],
    masks: Parameters<typeof tfliteOptions<"StridedSliceOptions">>[1],
  ) => ({
    tensors: { [`${label} b`]: ints(begin), [`${label} e`]: ints(end), [`${label} s`]: ints(step) },
    operator: {
      op: "STRIDED_SLICE" as const,
      inputs: ["x", `${label} b`, `${label} e`, `${label} s`],
      outputs: [label],
      options: tfliteOptions("StridedSliceOptions", masks),
    },
  });
  const cases = [
    strided("plain", [0, 1, 2], [2, 3, 5], [1, 1, 2], {}),
    strided("begin and end", [1, 1, 1], [1, 1, 1], [1, 1, 1], { beginMask: 0b101, endMask: 0b110 }),
    strided("shrink", [1, -1, 2], [2, 0, 3], [1, 1, 1], { shrinkAxisMask: 0b111 }),
    strided("shrink the middle", [0, 2, 0], [2, 3, 5], [1, 1, 2], { shrinkAxisMask: 0b010 }),
    strided("ellipsis", [0, 1], [0, 3], [1, 1], { ellipsisMask: 0b01 }),
    strided("new axis", [0, 0, 1], [0, 2, 2], [1, 1, 1], { newAxisMask: 0b001 }),
    strided("backwards", [-1, 3, 4], [0, 0, 0], [-1, -1, -2], { endMask: 0b111 }),
    strided("clamped", [0, -9, 3], [9, 9, 99], [1, 2, 1], {}),
  ];
  const found = await differences({
    tensors: {
      x: { shape: [2, 4, 6] },
      ...Object.assign({}, ...cases.map(({ tensors }) => tensors)),
      begin: ints([0, 1, 2]),
      size: ints([-1, 2, 3]),
      axes: ints([2]),
    },
    inputs: ["x"],
    operators: [
      ...cases.map(({ operator }) => operator),
      { op: "SLICE", inputs: ["x", "begin", "size"], outputs: ["slice"] },
      { op: "REVERSE_V2", inputs: ["x", "axes"], outputs: ["reverse"] },
    ],
  });
  expect(Object.keys(found).length).toBe(10);
  expect(above(found, 0)).toEqual({});
});

it("reads gathers, scatters and generated tensors", async () => {
  const found = await differences({
    tensors: {
      x: { shape: [2, 3, 4] },
      i: { shape: [2, 2], dtype: "int32" },
      places: ints([1, 0, 0, 2], [2, 2]),
      rows: ints([4, 4, 1], [3, 1]),
      updates: { shape: [3, 2] },
      shape: ints([6, 2]),
      depth: scalar(3),
      on: { shape: [], data: [2] },
      off: { shape: [], data: [-1] },
      dims: ints([2, 2]),
      seven: { shape: [], data: [7] },
    },
    inputs: ["x", "i", "updates"],
    operators: [
      {
        op: "GATHER",
        inputs: ["x", "i"],
        outputs: ["gather"],
        options: tfliteOptions("GatherOptions", { axis: 1 }),
      },
      {
        op: "GATHER",
        inputs: ["x", "i"],
        outputs: ["in batches"],
        options: tfliteOptions("GatherOptions", { axis: 1, batchDims: 1 }),
      },
      {
        op: "GATHER",
        inputs: ["x", "i"],
        outputs: ["in batches, further"],
        options: tfliteOptions("GatherOptions", { axis: 2, batchDims: 1 }),
      },
      { op: "GATHER_ND", inputs: ["x", "places"], outputs: ["gather nd"] },
      { op: "SCATTER_ND", inputs: ["rows", "updates", "shape"], outputs: ["scatter"] },
      {
        op: "ONE_HOT",
        inputs: ["i", "depth", "on", "off"],
        outputs: ["one hot"],
        options: tfliteOptions("OneHotOptions", { axis: -1 }),
      },
      { op: "FILL", inputs: ["dims", "seven"], outputs: ["fill"] },
      { op: "ZEROS_LIKE", inputs: ["x"], outputs: ["zeros"] },
    ],
    outputs: ["gather", "in batches", "in batches, further", "gather nd", "scatter", "one hot", "zeros"],
  });
  expect(Object.keys(found).length).toBe(7);
  expect(above(found, 0)).toEqual({});
});

it("reads pads, mirrored pads and blocks of space", async () => {
  const found = await differences({
    tensors: {
      x: { shape: [1, 4, 6, 2] },
      pads: ints([0, 0, 1, 2, 0, 3, 0, 0], [4, 2]),
      two: { shape: [], data: [2.5] },
      block: ints([2, 3]),
      edges: ints([0, 2, 1, 2], [2, 2]),
      crops: ints([0, 1, 0, 2], [2, 2]),
      batches: { shape: [6, 2, 3, 2] },
    },
    inputs: ["x", "batches"],
    operators: [
      { op: "PAD", inputs: ["x", "pads"], outputs: ["pad"] },
      { op: "PADV2", inputs: ["x", "pads", "two"], outputs: ["pad v2"] },
      {
        op: "MIRROR_PAD",
        inputs: ["x", "pads"],
        outputs: ["reflect"],
        options: tfliteOptions("MirrorPadOptions", { mode: "REFLECT" }),
      },
      {
        op: "MIRROR_PAD",
        inputs: ["x", "pads"],
        outputs: ["symmetric"],
        options: tfliteOptions("MirrorPadOptions", { mode: "SYMMETRIC" }),
      },
      { op: "SPACE_TO_BATCH_ND", inputs: ["x", "block", "edges"], outputs: ["space to batch"] },
      { op: "BATCH_TO_SPACE_ND", inputs: ["batches", "block", "crops"], outputs: ["batch to space"] },
    ],
  });
  expect(Object.keys(found).length).toBe(6);
  expect(above(found, 0)).toEqual({});
});
