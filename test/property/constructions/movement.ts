import type { ValueId } from "../../../src/ir/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { type Construction, PLACES, type RandomGraph, SIDE, type Step } from "../random-graph.ts";

/** Channels laid out as rows, the rows exchanged with the columns. */
const shuffle: Construction = (g, s) => {
  const x = g.conv(g.map(s.a), 4 + 2 * (s.size % 3), 1);
  const grid = g.reshape(x, 0, 2, g.channels(x) / 2, SIDE, SIDE);
  return [g.reshape(g.node("Transpose", [grid], { perm: [0, 2, 1, 3, 4] }), 0, -1, SIDE, SIDE)];
};

const pads = (g: RandomGraph, s: Step): ValueId => {
  const x = g.any(s.a);
  return g.node("Pad", [x, g.ints(s.size % 3, s.b % 2), s.b % 3 === 0 ? g.number(0.5) : null, g.ints(g.axis(x))]);
};

/** Places padded by one in another mode, and read by a convolution without padding. */
const borders: Construction = (g, s) => {
  const x = g.map(s.a);
  const mode = ["reflect", "edge", "constant"][s.b % 3]!;
  const padded = g.node("Pad", [x, g.ints(0, 0, 1, 1, 0, 0, 1, 1)], { mode });
  return [g.conv(padded, 2 + (s.size % 4), 3, 1, { pads: [0, 0, 0, 0] })];
};

/** Halves of a grid's columns exchanged, as rotary embeddings do. */
const halves: Construction = (g, s) => {
  const grid = g.reshape(g.conv(g.map(s.a), 8, 1), 0, 2, 4, SIDE, SIDE);
  const [left, right] = g.split(grid, 2, 2, 2) as [ValueId, ValueId];
  const turned = g.node("Concat", [g.node("Neg", [right]), left], { axis: 2 });
  return [g.reshape(s.b % 2 === 0 ? g.node("Add", [grid, turned]) : turned, 0, 8, SIDE, SIDE)];
};

/** Each of two rows serves two. */
const repeated: Construction = (g, s) => {
  const grid = g.reshape(g.conv(g.map(s.a), 6, 1), 0, 2, 1, 3, SIDE, SIDE);
  return [g.reshape(g.node("Expand", [grid, g.ints(1, 1, 2, 1, 1, 1)]), 0, 12, SIDE, SIDE)];
};

const pixels: Construction = (g, s) => {
  const mode = s.b % 2 === 0 ? "DCR" : "CRD";
  const wide = g.node("DepthToSpace", [g.conv(g.map(s.a), 8, 1)], { blocksize: 2, mode });
  return [g.node("SpaceToDepth", [g.conv(wide, 1 + (s.size % 3), 3)], { blocksize: 2 })];
};

/** Columns of 2 x 2 windows put back where they came from. */
const columns: Construction = (g, s) => {
  const x = g.conv(g.map(s.a), 4 * (1 + (s.size % 2)), 1, 1, { strides: [2, 2] });
  const flat = g.reshape(x, 0, 0, 4);
  return [g.node("Col2Im", [flat, g.ints(SIDE, SIDE), g.ints(2, 2)], { strides: [2, 2] })];
};

/** Down to half by one way of sampling, up again by another. */
const resized: Construction = (g, s) => {
  const x = g.map(s.a);
  const mode = ["nearest", "linear", "cubic"][s.b % 3]!;
  const small = g.node("Resize", [x, null, g.floats(1, 1, 0.5, 0.5)], { mode });
  return [
    s.size % 2 === 0
      ? g.node("Resize", [small, null, null, g.ints(g.channels(x), SIDE, SIDE)], { mode, axes: [1, 2, 3] })
      : g.node("Resize", [small, null, g.floats(2, 2)], { mode: "nearest", axes: [2, 3] }),
  ];
};

const cropped: Construction = (g, s) => {
  const x = g.map(s.a);
  const sizes = [g.channels(x), 2 + (s.size % 5), 6];
  const moved = g.node("CenterCropPad", [x, g.ints(...sizes)], { axes: [1, 2, 3] });
  return [g.node("CenterCropPad", [moved, g.ints(SIDE, SIDE)], { axes: [2, 3] })];
};

/** Sampled at the points of a constant grid, of an affine map, or of a computed grid. */
const sampled: Construction = (g, s) => {
  const x = g.map(s.a);
  const mode = s.size % 2 === 0 ? "linear" : "cubic";
  const computed = () => g.node("Transpose", [g.tame(g.conv(x, 2, 1))], { perm: [0, 2, 3, 1] });
  const affine = () => {
    const theta = g.drawn([2, 2, 3], () => g.random.normal() * 0.5);
    return g.node("AffineGrid", [theta, g.ints(2, 3, SIDE, SIDE)], { align_corners: 1 });
  };
  const constant = () => g.drawn([2, SIDE, SIDE, 2], () => 1.6 * g.random.next() - 0.8);
  const grid = g.fixed ? [affine, constant, computed][s.b % 3]!() : computed();
  return [g.node("GridSample", [x, grid], { mode, align_corners: 1, padding_mode: "border" })];
};

/** Two regions of two images, each as large as a map. */
const regions: Construction = (g, s) => {
  if (!g.fixed) return [];
  const x = g.map(s.a);
  const boxes = [0, 0, 3, 3, 1, 0, 3, 2];
  if (s.b % 2 === 0) {
    const rois = [g.reshape(g.floats(...boxes), 2, 4), g.ints(0, 1)];
    return [g.node("RoiAlign", [x, ...rois], { output_height: SIDE, output_width: SIDE, sampling_ratio: 2 })];
  }
  const rois = g.reshape(g.floats(0, ...boxes.slice(0, 4), 1, ...boxes.slice(4)), 2, 5);
  return [g.node("MaxRoiPool", [x, rois], { pooled_shape: [SIDE, SIDE] })];
};

/** Places cut out and put back. */
const sliced: Construction = (g, s) => {
  const x = g.any(s.a);
  const axis = g.axis(x);
  const c = g.channels(x);
  if (s.size % 3 === 0) return [g.slice(x, axis, -1, -1000, -1 - (s.b % 2))];
  return [g.slice(x, axis, s.size % c, c, 1 + (s.b % 2))];
};

const reversed: Construction = (g, s) => {
  const x = g.node("Transpose", [g.tokens(s.a)], { perm: [1, 0, 2] });
  if (!g.fixed) return [];
  const turned = g.node("ReverseSequence", [x, g.ints(3, PLACES)], { batch_axis: 1, time_axis: 0 });
  return [g.node("Transpose", [turned], { perm: [1, 0, 2] })];
};

/** Axes of one added, moved and taken away, and a flatten in between. */
const reframed: Construction = (g, s) => {
  const x = g.map(s.a);
  const c = g.channels(x);
  if (s.b % 2 === 0) {
    const lone = g.node("Transpose", [g.node("Unsqueeze", [x, g.ints(1, 5)])], { perm: [0, 2, 1, 3, 4, 5] });
    return [g.node("Squeeze", [lone, g.ints(2, -1)])];
  }
  const flat = g.node("Flatten", [g.node("Sin", [x])]);
  return [g.reshape(flat, 0, c, SIDE, SIDE)];
};

/** Reorders the structure of maps and tokens without arithmetic. */
export const movement: Readonly<Record<string, Construction>> = {
  concat: (g, s) => [g.node("Concat", [g.map(s.a), g.map(s.b)], { axis: 1 })],
  "concat of tokens": (g, s) => [g.node("Concat", [g.tokens(s.a), g.tokens(s.b)], { axis: -1 })],
  "concat with a constant": (g, s) => {
    const x = g.map(s.a);
    const rest = g.node("Mul", [g.node("ReduceMean", [x, g.ints(1)], { keepdims: 1 }), g.weight(1, 2, 1, 1)]);
    return [g.node("Concat", [x, rest], { axis: 1 })];
  },
  dense: (g, s) => {
    const x = g.map(s.a);
    return [g.node("Concat", [x, g.conv(x, 2)], { axis: 1 })];
  },
  split: (g, s) => {
    const at = 1 + (s.size % 5);
    return g.split(g.conv(g.map(s.a), 6, 1), 1, at, 6 - at);
  },
  sliced,
  pads: (g, s) => [pads(g, s)],
  borders,
  shuffle,
  gather: (g, s) => {
    const x = g.any(s.a);
    const order = Array.from({ length: g.channels(x) }, (_, i) => i);
    seededRandom(s.size, "order").shuffle(order);
    return [g.node("Gather", [x, g.ints(...order)], { axis: g.axis(x) })];
  },
  compress: (g, s) => {
    const x = g.any(s.a);
    let at = 0;
    const condition = g.drawn([g.channels(x)], () => (at++ % 4 === s.size % 4 ? 0 : 1), "bool");
    return [g.node("Compress", [x, condition], { axis: g.axis(x) })];
  },
  tile: (g, s) => {
    const x = g.any(s.a);
    const repeats = 1 + (s.size % 2);
    return [g.node("Tile", [x, g.isMap(x) ? g.ints(1, repeats, 1, 1) : g.ints(1, 1, repeats)])];
  },
  repeated,
  halves,
  pixels,
  columns,
  resized,
  cropped,
  sampled,
  regions,
  reversed,
  reframed,
  // Rows rolled by one.
  rolled: (g, s) => {
    const x = g.map(s.a);
    return [g.node("Concat", [g.slice(x, 2, 1, SIDE), g.slice(x, 2, 0, 1)], { axis: 2 })];
  },
  triangle: (g, s) => [g.node("Trilu", [g.map(s.a), g.number((s.size % 3) - 1, "int64")], { upper: s.b % 2 })],
};
