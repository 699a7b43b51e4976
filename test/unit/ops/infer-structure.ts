import type { OpType } from "../../../src/ops/index.ts";
import { type DType, float32, fromNumbers, int64s, type Random, scalar, sizeOf } from "../../../src/tensor/index.ts";
import { between, type Draw, dims, filled, flip, pick, signed } from "./infer-draw.ts";

/** int64 positions below `size`, negative ones counting from the end. */
function positions(r: Random, shape: readonly number[], size: number) {
  const values = Array.from({ length: sizeOf(shape) }, () => between(r, -size, size - 1));
  return fromNumbers("int64", shape, values);
}

const image = (r: Random, channels = between(r, 1, 4)) => [
  between(r, 1, 3),
  channels,
  between(r, 2, 5),
  between(r, 2, 5),
];

const resize: Draw = (r) => {
  const x = filled(r, image(r));
  const axes = flip(r) ? [2, 3] : [0, 1, 2, 3];
  const spatial = (axis: number) => axis > 1;
  const mode = pick(r, ["nearest", "linear", "cubic"]);
  // With an aspect ratio policy all listed axes share one scale.
  const policy = axes.length === 2 ? pick(r, ["stretch", "not_larger", "not_smaller"]) : "stretch";
  const attrs = {
    mode,
    coordinate_transformation_mode: pick(r, [
      "half_pixel",
      "pytorch_half_pixel",
      "align_corners",
      "asymmetric",
      "half_pixel_symmetric",
    ]),
    ...(mode === "nearest" ? { nearest_mode: pick(r, ["round_prefer_floor", "floor", "ceil"]) } : {}),
    // With a policy ONNX Runtime overlooks axes that count from the end.
    ...(axes.length === 2 ? { axes: axes.map((axis) => (policy === "stretch" ? signed(r, axis, 4) : axis)) } : {}),
  };
  if (flip(r)) {
    const scales = axes.map((axis) => (spatial(axis) ? pick(r, [0.5, 0.7, 1, 1.3, 2, 3]) : 1));
    return { inputs: [x, null, float32([axes.length], scales)], attrs };
  }
  const sizes = axes.map((axis) => (spatial(axis) ? between(r, 1, 9) : x.shape[axis]!));
  return { inputs: [x, null, null, int64s(sizes)], attrs: { ...attrs, keep_aspect_ratio_policy: policy } };
};

const recurrent =
  (gates: number, states: number, extra: (r: Random) => Record<string, number>): Draw =>
  (r) => {
    const [length, batch, input, hidden] = [between(r, 1, 4), between(r, 1, 3), between(r, 1, 4), between(r, 1, 4)];
    const direction = pick(r, ["forward", "reverse", "bidirectional"]);
    const directions = direction === "bidirectional" ? 2 : 1;
    const state = () => (flip(r) ? filled(r, [directions, batch, hidden]) : null);
    const inputs = [
      filled(r, [length, batch, input]),
      filled(r, [directions, gates * hidden, input]),
      filled(r, [directions, gates * hidden, hidden]),
      flip(r) ? filled(r, [directions, 2 * gates * hidden]) : null,
      flip(r)
        ? fromNumbers(
            "int32",
            [batch],
            Array.from({ length: batch }, () => between(r, 1, length)),
          )
        : null,
      ...Array.from({ length: states }, state),
      ...(gates === 4 && flip(r) ? [filled(r, [directions, 3 * hidden])] : []),
    ];
    return {
      inputs,
      attrs: { hidden_size: hidden, direction, ...extra(r) },
      outputs: between(r, 1, states + 1),
      fed: [0, 4, 5],
    };
  };

const instanceNorm: Draw = (r) => {
  const x = filled(r, dims(r, 3, 5));
  return { inputs: [x, filled(r, [x.shape[1]!]), filled(r, [x.shape[1]!])], attrs: { epsilon: 1e-3 } };
};

const layerNorm: Draw = (r) => {
  const x = filled(r, dims(r, 1, 4));
  const axis = r.below(x.shape.length);
  const own = x.shape.slice(axis);
  const inputs = [x, filled(r, own), ...(flip(r) ? [filled(r, own)] : [])];
  return { inputs, attrs: { axis: signed(r, axis, x.shape.length) }, outputs: between(r, 1, 3) };
};

/** Indices beside the data: on other axes than `axis` no longer. */
function elementProblem(r: Random) {
  const data = filled(r, dims(r, 1, 4));
  const axis = r.below(data.shape.length);
  const shape = data.shape.map((size, i) => (i === axis ? between(r, 1, 5) : between(r, 1, size)));
  return {
    data,
    indices: positions(r, shape, data.shape[axis]!),
    attrs: { axis: signed(r, axis, data.shape.length) },
  };
}

/** Indices whose last axis names `depth` axes of the data, after `batch` shared ones. */
function pointProblem(r: Random, batch: number) {
  const data = filled(r, [...Array.from({ length: batch }, () => between(r, 1, 3)), ...dims(r, 1, 3)]);
  const depth = between(r, 1, data.shape.length - batch);
  const shape = [...data.shape.slice(0, batch), ...dims(r, 0, 2), depth];
  const least = Math.min(...data.shape.slice(batch, batch + depth));
  return { data, indices: positions(r, shape, least), rest: data.shape.slice(batch + depth) };
}

const scatterReductions = ["none", "add", "mul", "max", "min"];

const compress: Draw = (r) => {
  const x = filled(r, dims(r, 1, 4));
  const axis = r.below(x.shape.length);
  const flat = flip(r);
  const size = flat ? sizeOf(x.shape) : x.shape[axis]!;
  const kept = Array.from({ length: between(r, 1, size) }, (_, i) => (i === 0 ? 1 : r.below(2)));
  const condition = fromNumbers("bool", [kept.length], kept);
  return { inputs: [x, condition], attrs: flat ? {} : { axis: signed(r, axis, x.shape.length) } };
};

const einsum: Draw = (r) => {
  const size = { b: between(r, 1, 3), i: between(r, 1, 3), j: between(r, 1, 3), k: between(r, 1, 3) };
  const { b, i, j, k } = size;
  const [equation, ...shapes] = pick(r, [
    ["bij,bjk->bik", [b, i, j], [b, j, k]],
    ["bij, bkj -> bik", [b, i, j], [b, k, j]],
    ["ij,jk", [i, j], [j, k]],
    ["...ij,...jk->...ik", [b, 2, i, j], [b, 2, j, k]],
    ["ij->ji", [i, j]],
    ["ba", [i, j]],
    ["ij->", [i, j]],
    ["...ii->...i", [b, i, i]],
    ["i,j->ij", [i], [j]],
    ["bi,ij,bj->b", [b, i], [i, j], [b, j]],
    ["bhwc,hkc->bhwk", [b, i, j, 2], [i, k, 2]],
  ] as [string, ...number[][]][]);
  const inputs = shapes.map((shape) => filled(r, shape));
  return { inputs, attrs: { equation }, fed: inputs.map((_, n) => n) };
};

const bytes = ["uint8", "int8"] as const;

const integerOperands = (r: Random, a: readonly number[], b: readonly number[]) => {
  const [left, right] = [pick(r, bytes), pick(r, bytes)];
  const zero = (dtype: DType) => (flip(r) ? fromNumbers(dtype, [], [1]) : null);
  return [filled(r, a, left), filled(r, b, right), zero(left), zero(right)];
};

const generator: Draw = (r) => ({
  inputs: [scalar("int64", between(r, 1, 9))],
  attrs: { periodic: r.below(2), ...(flip(r) ? { output_datatype: 11 } : {}) },
  fed: [],
});

const space: Draw = (r) => {
  const blocksize = between(r, 1, 3);
  const [n, c, h, w] = image(r) as [number, number, number, number];
  return { inputs: [filled(r, [n, c, h * blocksize, w * blocksize])], attrs: { blocksize } };
};

/** Problems of the operators that select, lay out or combine whole tensors. */
export const structureProblems = {
  Resize: resize,
  DepthToSpace: (r) => {
    const blocksize = between(r, 1, 3);
    const x = filled(r, image(r, blocksize ** 2 * between(r, 1, 2)));
    return { inputs: [x], attrs: { blocksize, mode: pick(r, ["DCR", "CRD"]) } };
  },
  SpaceToDepth: space,
  CenterCropPad: (r) => {
    const x = filled(r, dims(r, 1, 4));
    const axes = x.shape.map((_, i) => i).filter((i) => i === 0 || flip(r));
    const sizes = int64s(axes.map(() => between(r, 1, 6)));
    return { inputs: [x, sizes], attrs: { axes: axes.map((axis) => signed(r, axis, x.shape.length)) } };
  },
  Col2Im: (r) => {
    const [h, w, c] = [between(r, 3, 6), between(r, 3, 6), between(r, 1, 3)];
    const stride = between(r, 1, 2);
    const columns = (Math.floor((h - 2) / stride) + 1) * (Math.floor((w - 3) / stride) + 1);
    const x = filled(r, [between(r, 1, 2), c * 6, columns]);
    return { inputs: [x, int64s([h, w]), int64s([2, 3])], attrs: { strides: [stride, stride] } };
  },
  LSTM: recurrent(4, 2, (r) => ({ input_forget: r.below(2) })),
  GRU: recurrent(3, 1, (r) => ({ linear_before_reset: r.below(2) })),
  RNN: recurrent(1, 1, () => ({})),
  InstanceNormalization: instanceNorm,
  LayerNormalization: layerNorm,
  Shape: (r) => {
    const x = filled(r, dims(r, 0, 4));
    return {
      inputs: [x],
      attrs: { ...(flip(r) ? { start: between(r, -5, 4) } : {}), ...(flip(r) ? { end: between(r, -4, 5) } : {}) },
    };
  },
  Size: (r) => ({ inputs: [filled(r, dims(r, 0, 4))], attrs: {} }),
  ConstantOfShape: (r) => {
    const value = pick(r, [float32([1], [2]), fromNumbers("int64", [1], [3]), fromNumbers("bool", [1], [1])]);
    return { inputs: [int64s(dims(r, 0, 3))], attrs: flip(r) ? { value } : {}, fed: [] };
  },
  Range: (r) => {
    const dtype = pick(r, ["float32", "int64", "int32"] as const);
    const number = (values: readonly number[]) => scalar(dtype, pick(r, values));
    return { inputs: [number([0, 2, -3]), number([5, -7, 10]), number([1, 2, -1, 3])], attrs: {}, fed: [] };
  },
  HannWindow: generator,
  HammingWindow: generator,
  BlackmanWindow: generator,
  MelWeightMatrix: (r) => {
    const numbers = [between(r, 1, 6), pick(r, [15, 16, 32]), 8192].map((n) => scalar("int64", n));
    return { inputs: [...numbers, scalar("float32", 0), scalar("float32", 4000)], attrs: {}, fed: [] };
  },
  GatherElements: (r) => {
    const { data, indices, attrs } = elementProblem(r);
    return { inputs: [data, indices], attrs, fed: [0, 1] };
  },
  ScatterElements: (r) => {
    const { data, indices, attrs } = elementProblem(r);
    const reduction = pick(r, scatterReductions);
    return { inputs: [data, indices, filled(r, indices.shape)], attrs: { ...attrs, reduction }, fed: [0, 1, 2] };
  },
  GatherND: (r) => {
    const batch = r.below(2);
    const { data, indices } = pointProblem(r, batch);
    return { inputs: [data, indices], attrs: { batch_dims: batch }, fed: [0, 1] };
  },
  ScatterND: (r) => {
    const { data, indices, rest } = pointProblem(r, 0);
    const updates = filled(r, [...indices.shape.slice(0, -1), ...rest]);
    return { inputs: [data, indices, updates], attrs: { reduction: pick(r, scatterReductions) }, fed: [0, 1, 2] };
  },
  Compress: compress,
  ReverseSequence: (r) => {
    const x = filled(r, dims(r, 2, 4));
    const batch = r.below(2);
    const lengths = Array.from({ length: x.shape[batch]! }, () => between(r, 0, x.shape[1 - batch]!));
    return { inputs: [x, int64s(lengths)], attrs: { batch_axis: batch, time_axis: 1 - batch }, fed: [0, 1] };
  },
  Einsum: einsum,
  DynamicQuantizeLinear: (r) => ({ inputs: [filled(r, dims(r, 1, 4))], attrs: {}, outputs: 3 }),
  MatMulInteger: (r) => {
    const [m, k, n] = [between(r, 1, 4), between(r, 1, 4), between(r, 1, 4)];
    return { inputs: integerOperands(r, [...dims(r, 0, 2), m, k], [k, n]), attrs: {}, fed: [0, 1] };
  },
  ConvInteger: (r) => {
    const [cin, cout] = [between(r, 1, 3), between(r, 1, 3)];
    const [a, b, az] = integerOperands(r, [1, cin, 5, 6], [cout, cin, 2, 3]);
    // ONNX Runtime's kernel takes unsigned activations, and weights of either sign.
    const x = fromNumbers(
      "uint8",
      a!.shape,
      Array.from(a!.data as Uint8Array, (v) => v & 7),
    );
    const zero = az === null ? [] : [fromNumbers("uint8", [], [1])];
    return { inputs: [x, b!, ...zero], attrs: { strides: [between(r, 1, 2), 1], pads: [0, 1, 1, 0] } };
  },
  GridSample: (r) => {
    const x = filled(r, image(r));
    const grid = filled(r, [x.shape[0]!, between(r, 1, 4), between(r, 1, 4), 2]);
    const attrs = {
      align_corners: r.below(2),
      mode: pick(r, ["linear", "nearest", "cubic"]),
      padding_mode: pick(r, ["zeros", "border", "reflection"]),
    };
    return { inputs: [x, grid], attrs, fed: [0, 1] };
  },
  AffineGrid: (r) => {
    const spatial = Array.from({ length: between(r, 2, 3) }, () => between(r, 1, 4));
    const rank = spatial.length;
    const n = between(r, 1, 2);
    return {
      inputs: [filled(r, [n, rank, rank + 1]), int64s([n, 3, ...spatial])],
      attrs: { align_corners: r.below(2) },
    };
  },
  RoiAlign: (r) => {
    const x = filled(r, image(r));
    const count = between(r, 1, 4);
    const rois = fromNumbers("float32", [count, 4], Array.from({ length: count }, () => [0, 0, 2, 2]).flat());
    const indices = fromNumbers(
      "int64",
      [count],
      Array.from({ length: count }, () => r.below(x.shape[0]!)),
    );
    const attrs = { output_height: between(r, 1, 3), output_width: between(r, 1, 3), mode: pick(r, ["avg", "max"]) };
    return { inputs: [x, rois, indices], attrs, fed: [0, 1, 2] };
  },
  MaxRoiPool: (r) => {
    const x = filled(r, image(r));
    const count = between(r, 1, 4);
    const rois = fromNumbers("float32", [count, 5], Array.from({ length: count }, () => [0, 0, 0, 2, 2]).flat());
    return { inputs: [x, rois], attrs: { pooled_shape: [between(r, 1, 3), between(r, 1, 3)] }, fed: [0, 1] };
  },
  MaxUnpool: (r) => {
    const x = filled(r, image(r));
    const size = sizeOf(x.shape);
    const indices = fromNumbers(
      "int64",
      x.shape,
      Array.from({ length: size }, (_, i) => i),
    );
    const attrs = { kernel_shape: [2, 2], strides: [2, 2] };
    const stated = int64s([x.shape[0]!, x.shape[1]!, 2 * x.shape[2]! + 1, 2 * x.shape[3]!]);
    return { inputs: flip(r) ? [x, indices] : [x, indices, stated], attrs, fed: [0, 1] };
  },
  DFT: (r) => {
    const shape = [...dims(r, 1, 3), 1];
    const onesided = r.below(2);
    const complex = onesided === 0 && flip(r);
    const x = filled(r, complex ? [...shape.slice(0, -1), 2] : shape);
    const axis = r.below(x.shape.length - 1);
    const length = flip(r) ? scalar("int64", between(r, 1, 6)) : null;
    return {
      inputs: [x, length, scalar("int64", signed(r, axis, x.shape.length))],
      attrs: { onesided, ...(complex ? { inverse: r.below(2) } : {}) },
    };
  },
  STFT: (r) => {
    const frame = between(r, 2, 8);
    const x = filled(r, [between(r, 1, 2), frame + between(r, 0, 9), 1]);
    const window = flip(r) ? filled(r, [frame]) : null;
    return {
      inputs: [x, scalar("int64", between(r, 1, 4)), window, scalar("int64", frame)],
      attrs: { onesided: r.below(2) },
    };
  },
  DeformConv: (r) => {
    const x = filled(r, [1, 2, 5, 5]);
    return { inputs: [x, filled(r, [3, 2, 2, 2]), filled(r, [1, 8, 4, 4])], attrs: {}, fed: [0, 2] };
  },
} satisfies Partial<Record<OpType, Draw>>;
