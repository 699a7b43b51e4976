import { float32, fromNumbers, int64s, type Random, scalar } from "../../../src/tensor/index.ts";
import type { GradientCase } from "./check-gradient.ts";
import { distinct } from "./gradient-math.ts";

const padModes: GradientCase[] = ["reflect", "edge", "wrap"].flatMap((mode) => [
  { name: `Pad, ${mode}`, op: "Pad", inputs: [[2, 4, 5], int64s([0, 1, 3, 0, 2, 2])], attrs: { mode } },
  {
    name: `Pad, ${mode}, on one axis`,
    op: "Pad",
    inputs: [[3, 4], int64s([2, 0]), null, int64s([-1])],
    attrs: { mode },
  },
  { name: `Pad, ${mode}, at the end only`, op: "Pad", inputs: [[3, 4], int64s([0, 0, 0, 3])], attrs: { mode } },
]);

/** Points from -1.3 to 1.3 away from the pixel borders of images of 4 or 5 pixels, where the slope changes. */
const betweenPixels = (r: Random) => {
  for (;;) {
    const value = 2.6 * r.next() - 1.3;
    const clear = [4, 5].every((size) =>
      [(value + 1) * (size / 2) - 0.5, ((value + 1) * (size - 1)) / 2].every(
        (at) => Math.abs(at - Math.round(at)) > 0.08,
      ),
    );
    if (clear) return value;
  }
};

const grid = fromNumbers(
  "float32",
  [1, 2, 3, 2],
  [-0.71, 0.43, 0.13, -0.29, 0.93, 0.81, -0.17, 0.59, 1.21, -1.13, 0.37, 0.11],
);

const samples: GradientCase[] = [
  ["zeros", 0],
  ["zeros", 1],
  ["border", 0],
  ["border", 1],
].map(([padding_mode, align_corners]) => ({
  name: `GridSample, ${padding_mode}, ${align_corners === 1 ? "aligned corners" : "edges"}`,
  op: "GridSample",
  inputs: [
    [2, 3, 4, 5],
    [2, 2, 3, 2],
  ],
  attrs: { padding_mode: padding_mode!, align_corners: align_corners! },
  draw: betweenPixels,
}));

const spectra: GradientCase[] = [
  { name: "DFT, real, one-sided", op: "DFT", inputs: [[2, 6, 1]], attrs: { onesided: 1 } },
  { name: "DFT, real", op: "DFT", inputs: [[2, 5, 1]] },
  { name: "DFT, complex, another axis", op: "DFT", inputs: [[3, 4, 2], null, scalar("int64", 0)] },
  { name: "DFT, cut short", op: "DFT", inputs: [[2, 6, 2], scalar("int64", 4), scalar("int64", 1)] },
  { name: "DFT, filled up", op: "DFT", inputs: [[2, 6, 1], scalar("int64", 8), scalar("int64", 1)] },
  { name: "DFT, inverse", op: "DFT", inputs: [[2, 4, 2]], attrs: { inverse: 1 } },
  { name: "STFT with a window", op: "STFT", inputs: [[2, 19, 1], scalar("int64", 3), [8]] },
  {
    name: "STFT without a window, two-sided",
    op: "STFT",
    inputs: [[1, 12, 1], scalar("int64", 4), null, scalar("int64", 4)],
    attrs: { onesided: 0 },
  },
];

const scatters: GradientCase[] = ["mul", "max", "min"].flatMap((reduction): GradientCase[] => [
  {
    name: `ScatterElements, ${reduction}`,
    op: "ScatterElements",
    inputs: [[2, 4], fromNumbers("int64", [2, 3], [0, 2, -1, 1, 1, 0]), [2, 3]],
    attrs: { axis: 1, reduction },
    draw: distinct(),
  },
  {
    name: `ScatterND, ${reduction}`,
    op: "ScatterND",
    inputs: [[3, 2], fromNumbers("int64", [3, 1], [0, 2, 0]), [3, 2]],
    attrs: { reduction },
    draw: distinct(),
  },
]);

/** Gradients of padding, cropping, columns, spectra and sampling, and of what writes at indices. */
export const linearCases: readonly GradientCase[] = [
  ...padModes,
  ...samples,
  ...spectra,
  ...scatters,
  {
    name: "GridSample, nearest",
    op: "GridSample",
    inputs: [[1, 2, 4, 5], grid],
    attrs: { mode: "nearest" },
  },
  {
    name: "GridSample of a volume",
    op: "GridSample",
    inputs: [
      [1, 2, 4, 4, 5],
      [1, 2, 2, 2, 3],
    ],
    draw: betweenPixels,
  },
  { name: "AffineGrid", op: "AffineGrid", inputs: [[2, 2, 3], int64s([2, 3, 4, 5])] },
  {
    name: "AffineGrid, aligned corners",
    op: "AffineGrid",
    inputs: [[2, 2, 3], int64s([2, 3, 4, 5])],
    attrs: { align_corners: 1 },
  },
  { name: "AffineGrid of a volume", op: "AffineGrid", inputs: [[1, 3, 4], int64s([1, 1, 2, 3, 4])] },
  { name: "CenterCropPad", op: "CenterCropPad", inputs: [[3, 8, 5], int64s([6, 3, 6])] },
  { name: "CenterCropPad, odd", op: "CenterCropPad", inputs: [[7, 4], int64s([4, 7])] },
  { name: "CenterCropPad on one axis", op: "CenterCropPad", inputs: [[2, 7], int64s([2])], attrs: { axes: [1] } },
  { name: "Compress", op: "Compress", inputs: [[3, 4], fromNumbers("bool", [3], [1, 0, 1])], attrs: { axis: 1 } },
  { name: "Compress of all elements", op: "Compress", inputs: [[2, 3], fromNumbers("bool", [5], [0, 1, 1, 0, 1])] },
  { name: "Col2Im", op: "Col2Im", inputs: [[2, 8, 6], int64s([3, 4]), int64s([2, 2])] },
  {
    name: "Col2Im, padded, strided, dilated",
    op: "Col2Im",
    inputs: [[1, 12, 12], int64s([5, 6]), int64s([3, 2])],
    attrs: { pads: [1, 0, 2, 1], strides: [2, 1], dilations: [1, 3] },
  },
  {
    name: "GatherND with a batch axis",
    op: "GatherND",
    inputs: [[2, 3, 4], fromNumbers("int64", [2, 2, 1], [0, 2, 1, 1])],
    attrs: { batch_dims: 1 },
  },
  {
    name: "GatherND with two batch axes",
    op: "GatherND",
    inputs: [[2, 2, 3, 2], fromNumbers("int64", [2, 2, 2], [0, 1, 2, 0, 1, 1, 0, 0])],
    attrs: { batch_dims: 2 },
  },
  {
    name: "MaxUnpool",
    op: "MaxUnpool",
    inputs: [[1, 1, 2, 2], fromNumbers("int64", [1, 1, 2, 2], [5, 2, 8, 15])],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    name: "MaxUnpool into a larger image",
    op: "MaxUnpool",
    inputs: [[1, 2, 2, 2], fromNumbers("int64", [1, 2, 2, 2], [5, 2, 8, 15, 30, 31, 45, 47]), int64s([1, 2, 5, 5])],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    name: "ReduceProd with none, one and two factors of 0",
    op: "ReduceProd",
    inputs: [[8, 3], int64s([1])],
    draw: (r) => (r.below(3) === 0 ? 0 : 0.5 + r.next()),
  },
  {
    name: "LayerNormalization with its statistics",
    op: "LayerNormalization",
    inputs: [[3, 2, 5], [5], [5]],
    outputs: 3,
    tolerance: 5e-3,
  },
  {
    name: "ConvTranspose in groups, padded unevenly",
    op: "ConvTranspose",
    inputs: [[2, 4, 4, 5], [4, 3, 3, 3], [6]],
    attrs: { group: 2, strides: [2, 2], pads: [1, 0, 0, 1] },
  },
  {
    name: "ConvTranspose with output padding",
    op: "ConvTranspose",
    inputs: [
      [1, 2, 3, 3],
      [2, 3, 3, 2],
    ],
    attrs: { strides: [3, 2], output_padding: [2, 1], pads: [1, 0, 1, 0] },
  },
  {
    name: "ConvTranspose dilated",
    op: "ConvTranspose",
    inputs: [
      [1, 2, 4, 4],
      [2, 2, 2, 3],
    ],
    attrs: { dilations: [2, 2], strides: [1, 2], output_padding: [0, 1], pads: [0, 1, 1, 1] },
  },
  {
    name: "ConvTranspose depthwise",
    op: "ConvTranspose",
    inputs: [[2, 3, 4, 4], [3, 1, 4, 4], [3]],
    attrs: { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "ConvTranspose in one dimension",
    op: "ConvTranspose",
    inputs: [
      [2, 3, 5],
      [3, 2, 4],
    ],
    attrs: { strides: [2], pads: [1, 2] },
  },
  {
    name: "ConvTranspose in three dimensions",
    op: "ConvTranspose",
    inputs: [[1, 2, 2, 3, 2], [2, 2, 2, 2, 3], [2]],
    attrs: { strides: [2, 1, 2] },
  },
  {
    name: "Conv in one dimension",
    op: "Conv",
    inputs: [[2, 3, 9], [4, 3, 3], [4]],
    attrs: { strides: [2], pads: [1, 1] },
  },
  {
    name: "Conv in three dimensions",
    op: "Conv",
    inputs: [
      [1, 2, 4, 3, 4],
      [2, 2, 2, 3, 2],
    ],
    attrs: { pads: [0, 1, 1, 1, 1, 0] },
  },
  {
    name: "Resize, antialiased",
    op: "Resize",
    inputs: [[1, 2, 6, 7], null, null, int64s([4, 3])],
    attrs: { mode: "linear", antialias: 1, axes: [2, 3] },
  },
  {
    name: "Resize, antialiased, larger",
    op: "Resize",
    inputs: [[1, 1, 3, 4], null, float32([4], [1, 1, 2, 0.5])],
    attrs: { mode: "linear", antialias: 1 },
  },
  {
    name: "Resize, antialiased cubic",
    op: "Resize",
    inputs: [[1, 1, 9, 8], null, null, int64s([4, 5])],
    attrs: { mode: "cubic", antialias: 1, axes: [2, 3] },
  },
  {
    name: "Resize, antialiased cubic, nothing outside",
    op: "Resize",
    inputs: [[1, 1, 9, 8], null, null, int64s([4, 5])],
    attrs: { mode: "cubic", antialias: 1, axes: [2, 3], exclude_outside: 1, cubic_coeff_a: -0.5 },
  },
];
