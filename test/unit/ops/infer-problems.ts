import type { OpType } from "../../../src/ops/index.ts";
import {
  DTYPES,
  type DType,
  fromNumbers,
  int64s,
  type Random,
  scalar,
  sizeOf,
  type Tensor,
} from "../../../src/tensor/index.ts";
import { between, type Draw, dims, filled, flip, type Problem, pick, signed } from "./infer-draw.ts";
import { mathProblems, partner } from "./infer-math.ts";
import { structureProblems } from "./infer-structure.ts";
import { windowProblems } from "./infer-windows.ts";

const reshape: Draw = (r) => {
  const x = filled(r, dims(r, 1, 4));
  const left = [...x.shape];
  const to: number[] = [];
  while (left.length > 0) to.push(left.splice(0, between(r, 1, left.length)).reduce((a, b) => a * b, 1));
  if (flip(r)) to.splice(r.below(to.length + 1), 0, 1);
  const free = r.below(to.length + 2);
  const spelled = to.map((dim, i) => (i === free ? -1 : dim === x.shape[i] && flip(r) ? 0 : dim));
  return { inputs: [x, int64s(spelled)], attrs: {} };
};

const slice: Draw = (r) => {
  const x = filled(r, dims(r, 1, 4));
  const axes = x.shape.map((_, i) => i).filter(() => flip(r));
  const far = 2 ** 40;
  const bound = () => pick(r, [-far, -5, -3, -1, 0, 1, 2, 4, far]);
  const steps = axes.map(() => pick(r, [1, 1, 2, 3, -1, -2]));
  const inputs = [
    x,
    int64s(axes.map(bound)),
    int64s(axes.map(bound)),
    int64s(axes.map((axis) => signed(r, axis, x.shape.length))),
    int64s(steps),
  ];
  return { inputs, attrs: {} };
};

const pad: Draw = (r) => {
  const x = filled(
    r,
    dims(r, 1, 4).map((dim) => dim + 2),
  );
  const mode = pick(r, ["constant", "constant", "reflect", "edge"]);
  const axes = x.shape.map((_, i) => i).filter(() => flip(r));
  const listed = axes.length > 0 && flip(r) ? axes : x.shape.map((_, i) => i);
  const pads = Array.from({ length: 2 * listed.length }, () =>
    mode === "constant" ? between(r, -1, 2) : between(r, 0, 2),
  );
  const tail =
    listed === axes ? [flip(r) ? null : scalar("float32", 1), int64s(axes)] : flip(r) ? [] : [scalar("float32", 1)];
  return { inputs: [x, int64s(pads), ...tail], attrs: { mode } };
};

const split: Draw = (r) => {
  const x = filled(
    r,
    dims(r, 1, 4).map((dim) => dim + 1),
  );
  const axis = r.below(x.shape.length);
  const size = x.shape[axis]!;
  const at = signed(r, axis, x.shape.length);
  if (flip(r)) {
    const first = between(r, 1, size - 1);
    return { inputs: [x, int64s([first, size - first])], attrs: { axis: at }, outputs: 2 };
  }
  const parts = between(r, 1, Math.min(size, 3));
  // The last part must not be empty: ceil-sized parts before it may use everything up.
  const count = Math.ceil(size / Math.ceil(size / parts));
  return { inputs: [x], attrs: { axis: at, num_outputs: count }, outputs: count };
};

const concat: Draw = (r) => {
  const shape = dims(r, 1, 4);
  const axis = r.below(shape.length);
  const inputs = Array.from({ length: between(r, 1, 4) }, () =>
    filled(
      r,
      shape.map((dim, i) => (i === axis ? between(r, 1, 4) : dim)),
    ),
  );
  return { inputs, attrs: { axis: signed(r, axis, shape.length) }, fed: inputs.map((_, i) => i) };
};

const gather: Draw = (r) => {
  const x = filled(r, dims(r, 1, 4));
  const axis = r.below(x.shape.length);
  const size = x.shape[axis]!;
  const shape = dims(r, 0, 2);
  const indices = fromNumbers(
    "int64",
    shape,
    Array.from({ length: sizeOf(shape) }, () => between(r, -size, size - 1)),
  );
  return { inputs: [x, indices], attrs: { axis: signed(r, axis, x.shape.length) } };
};

const gemm: Draw = (r) => {
  const [m, k, n] = [between(r, 1, 4), between(r, 1, 4), between(r, 1, 4)];
  const [transA, transB] = [r.below(2), r.below(2)];
  const a = filled(r, transA ? [k, m] : [m, k]);
  const b = filled(r, transB ? [n, k] : [k, n]);
  const bias = [[], [n], [1, n], [m, 1], [m, n]].map((shape) => filled(r, shape));
  return { inputs: flip(r) ? [a, b] : [a, b, pick(r, bias)], attrs: { transA, transB, alpha: 0.5 } };
};

const matMul: Draw = (r) => {
  const k = between(r, 1, 4);
  const batch = dims(r, 0, 2);
  const a = r.below(4) === 0 ? [k] : [...partner(r, batch), between(r, 1, 4), k];
  const b = r.below(4) === 0 ? [k] : [...(a.length === 1 ? batch : partner(r, batch)), k, between(r, 1, 4)];
  return { inputs: [filled(r, a), filled(r, b)], attrs: {} };
};

const batchNorm: Draw = (r) => {
  const x = filled(r, dims(r, 2, 5));
  const parameter = () => fromNumbers("float32", [x.shape[1]!], new Array<number>(x.shape[1]!).fill(0.5));
  return { inputs: [x, parameter(), parameter(), parameter(), parameter()], attrs: { epsilon: 1e-3 } };
};

function quantized(r: Random, source: Tensor, kinds: readonly DType[], isZeroFree: (kind: DType) => boolean): Problem {
  const rank = source.shape.length;
  const axis = r.below(Math.max(1, rank));
  const shape = rank > 0 && flip(r) ? [source.shape[axis]!] : [];
  const kind = pick(r, kinds);
  const scale = fromNumbers("float32", shape, new Array<number>(sizeOf(shape)).fill(0.25));
  const zero = fromNumbers(kind, shape, new Array<number>(sizeOf(shape)).fill(0));
  return {
    inputs: isZeroFree(kind) && flip(r) ? [source, scale] : [source, scale, zero],
    attrs: rank > 0 ? { axis: signed(r, axis, rank) } : {},
  };
}

const cast: Draw = (r) => ({
  inputs: [filled(r, dims(r, 0, 4), pick(r, Object.keys(DTYPES) as DType[]))],
  attrs: { to: DTYPES[pick(r, Object.keys(DTYPES) as DType[])].onnx },
});

const squeeze: Draw = (r) => {
  const shape = dims(r, 1, 4).map((dim) => (flip(r) ? 1 : dim));
  const ones = shape.flatMap((dim, i) => (dim === 1 && flip(r) ? [signed(r, i, shape.length)] : []));
  const x = filled(r, shape);
  return { inputs: ones.length === 0 && flip(r) ? [x] : [x, int64s(ones)], attrs: {} };
};

const unsqueeze: Draw = (r) => {
  const x = filled(r, dims(r, 0, 3));
  const rank = x.shape.length + between(r, 1, 2);
  const places = Array.from({ length: rank }, (_, i) => i);
  r.shuffle(places);
  const axes = places.slice(0, rank - x.shape.length).map((axis) => signed(r, axis, rank));
  return { inputs: [x, int64s(axes)], attrs: {} };
};

/** For each operator, how to draw a valid application. A new operator fails the test until it has an entry here. */
export const PROBLEMS: { readonly [T in OpType]: Draw } = {
  ...windowProblems,
  ...mathProblems,
  ...structureProblems,
  Cast: cast,
  BatchNormalization: batchNorm,
  Gemm: gemm,
  MatMul: matMul,
  QuantizeLinear: (r) => quantized(r, filled(r, dims(r, 0, 4)), ["uint8", "int8"], (kind) => kind === "uint8"),
  DequantizeLinear: (r) => {
    const kind = pick(r, ["uint8", "int8", "int32"] as const);
    return quantized(r, filled(r, dims(r, 0, 4), kind), [kind], () => true);
  },
  Reshape: reshape,
  Flatten: (r) => {
    const x = filled(r, dims(r, 1, 5));
    return { inputs: [x], attrs: { axis: between(r, -x.shape.length, x.shape.length) } };
  },
  Transpose: (r) => {
    const x = filled(r, dims(r, 1, 5));
    const perm = x.shape.map((_, i) => i);
    r.shuffle(perm);
    return { inputs: [x], attrs: r.below(4) === 0 ? {} : { perm } };
  },
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: (r) => {
    const shape = dims(r, 0, 4);
    return { inputs: [filled(r, partner(r, shape)), int64s(flip(r) ? shape : partner(r, shape))], attrs: {} };
  },
  Tile: (r) => {
    const x = filled(r, dims(r, 1, 4));
    return { inputs: [x, int64s(x.shape.map(() => between(r, 1, 3)))], attrs: {} };
  },
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  Pad: pad,
};
