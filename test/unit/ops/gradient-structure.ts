import { float32, fromNumbers, int64s } from "../../../src/tensor/index.ts";
import type { GradientCase } from "./check-gradient.ts";
import { distinct } from "./gradient-math.ts";

const indices = fromNumbers("int64", [2, 3], [0, 2, -1, 1, 1, 0]);
/** No position twice, along axis 1. */
const apart = fromNumbers("int64", [2, 3], [0, 2, -1, 1, 3, 0]);
const points = fromNumbers("int64", [3, 1], [0, 2, 0]);
const pointsApart = fromNumbers("int64", [2, 1], [0, 2]);

const scaled = (mode: string, coordinate_transformation_mode: string, extra: Record<string, string | number> = {}) => ({
  name: `Resize by scales, ${mode}, ${coordinate_transformation_mode}${Object.values(extra).join(" ")}`,
  op: "Resize",
  inputs: [[1, 2, 3, 4], null, float32([4], [1, 1, 2, 0.7])],
  attrs: { mode, coordinate_transformation_mode, ...extra },
});

const sized = (mode: string, coordinate_transformation_mode: string) => ({
  name: `Resize to sizes, ${mode}, ${coordinate_transformation_mode}`,
  op: "Resize",
  inputs: [[2, 2, 3, 4], null, null, int64s([7, 3])],
  attrs: { mode, coordinate_transformation_mode, axes: [2, 3] },
});

const resizes: GradientCase[] = [
  scaled("nearest", "asymmetric", { nearest_mode: "floor" }),
  scaled("nearest", "half_pixel"),
  scaled("linear", "half_pixel"),
  scaled("linear", "align_corners"),
  scaled("linear", "half_pixel_symmetric"),
  scaled("cubic", "half_pixel"),
  scaled("cubic", "asymmetric", { exclude_outside: 1 }),
  sized("nearest", "align_corners"),
  sized("linear", "pytorch_half_pixel"),
  sized("linear", "asymmetric"),
  {
    name: "Resize of a region",
    op: "Resize",
    inputs: [[1, 1, 4, 4], float32([8], [0, 0, 0.1, 0.2, 1, 1, 1.3, 0.8]), null, int64s([1, 1, 5, 3])],
    attrs: { mode: "linear", coordinate_transformation_mode: "tf_crop_and_resize" },
  },
];

/** Gradients of the operators that select, lay out, normalise or combine whole tensors. */
export const structureCases: readonly GradientCase[] = [
  ...resizes,
  { name: "DepthToSpace DCR", op: "DepthToSpace", inputs: [[2, 8, 2, 3]], attrs: { blocksize: 2, mode: "DCR" } },
  { name: "DepthToSpace CRD", op: "DepthToSpace", inputs: [[2, 8, 2, 3]], attrs: { blocksize: 2, mode: "CRD" } },
  { name: "SpaceToDepth", op: "SpaceToDepth", inputs: [[2, 3, 4, 6]], attrs: { blocksize: 2 } },
  { name: "InstanceNormalization", op: "InstanceNormalization", inputs: [[2, 3, 4, 2], [3], [3]] },
  { name: "LayerNormalization", op: "LayerNormalization", inputs: [[3, 4, 6], [6], [6]] },
  {
    name: "LayerNormalization over two axes, no bias",
    op: "LayerNormalization",
    inputs: [
      [2, 4, 3],
      [4, 3],
    ],
    attrs: { axis: 1 },
  },
  { name: "GatherElements", op: "GatherElements", inputs: [[2, 4], indices], attrs: { axis: 1 } },
  {
    name: "ScatterElements",
    op: "ScatterElements",
    inputs: [[2, 4], apart, [2, 3]],
    attrs: { axis: 1 },
  },
  {
    name: "ScatterElements adding",
    op: "ScatterElements",
    inputs: [[2, 4], indices, [2, 3]],
    attrs: { axis: 1, reduction: "add" },
  },
  { name: "GatherND", op: "GatherND", inputs: [[3, 2], points] },
  { name: "ScatterND", op: "ScatterND", inputs: [[3, 2], pointsApart, [2, 2]] },
  { name: "ScatterND adding", op: "ScatterND", inputs: [[3, 2], points, [3, 2]], attrs: { reduction: "add" } },
  { name: "ReverseSequence", op: "ReverseSequence", inputs: [[4, 3, 2], int64s([1, 4, 2])] },
  {
    name: "Einsum, batches of products",
    op: "Einsum",
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    attrs: { equation: "bij,bjk->bik" },
  },
  {
    name: "Einsum of three",
    op: "Einsum",
    inputs: [
      [2, 3],
      [3, 4],
      [2, 4],
    ],
    attrs: { equation: "bi,ij,bj->b" },
  },
  {
    name: "Einsum with an ellipsis",
    op: "Einsum",
    inputs: [
      [2, 3, 4],
      [2, 5, 4],
    ],
    attrs: { equation: "...ij,...kj->...ik" },
  },
  { name: "Einsum that sums an axis away", op: "Einsum", inputs: [[2, 3], [2]], attrs: { equation: "ij,i->i" } },
  {
    name: "MaxPool with indices",
    op: "MaxPool",
    inputs: [[1, 2, 6, 6]],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    outputs: 2,
    draw: distinct(),
  },
];
