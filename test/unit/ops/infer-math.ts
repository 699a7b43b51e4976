import type { Attributes } from "../../../src/ir/index.ts";
import type { OpType } from "../../../src/ops/index.ts";
import { type DType, fromNumbers, int64s, type Random, scalar, sizeOf } from "../../../src/tensor/index.ts";
import { between, type Draw, dims, filled, flip, pick, signed } from "./infer-draw.ts";

const unary =
  (attrs: (r: Random) => Attributes = () => ({}), dtypes: readonly DType[] = ["float32"]): Draw =>
  (r) => ({ inputs: [filled(r, dims(r, 0, 5), pick(r, dtypes))], attrs: attrs(r) });

/** A shape that broadcasts with the given one: some axes 1, some leading axes absent. */
export function partner(r: Random, shape: readonly number[]): number[] {
  return shape.slice(r.below(shape.length + 1)).map((dim) => (r.below(3) === 0 ? 1 : dim));
}

function broadcast(
  count: (r: Random) => number,
  dtypes: readonly DType[],
  attrs: (r: Random) => Attributes = () => ({}),
): Draw {
  return (r) => {
    const dtype = pick(r, dtypes);
    const shape = dims(r, 0, 4);
    const inputs = Array.from({ length: count(r) }, () => filled(r, partner(r, shape), dtype));
    inputs[r.below(inputs.length)] = filled(r, shape, dtype);
    return { inputs, attrs: attrs(r), fed: inputs.map((_, i) => i) };
  };
}

const two = () => 2;
const several = (r: Random) => between(r, 1, 4);
const numbers: DType[] = ["float32", "int64", "int32"];
const integers: DType[] = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"];

const reduce =
  (dtypes: readonly DType[] = ["float32"]): Draw =>
  (r) => {
    const x = filled(r, dims(r, 1, 5), pick(r, dtypes));
    const all = x.shape.map((_, i) => i).filter(() => flip(r));
    const axes = all.map((axis) => signed(r, axis, x.shape.length));
    const attrs = { keepdims: r.below(2), noop_with_empty_axes: r.below(2) };
    return { inputs: r.below(4) === 0 ? [x] : [x, int64s(axes)], attrs };
  };

const argument: Draw = (r) => {
  const x = filled(r, dims(r, 1, 5));
  return {
    inputs: [x],
    attrs: {
      axis: signed(r, r.below(x.shape.length), x.shape.length),
      keepdims: r.below(2),
      select_last_index: r.below(2),
    },
  };
};

const overAxis: Draw = (r) => {
  const x = filled(r, dims(r, 1, 5));
  return { inputs: [x], attrs: { axis: signed(r, r.below(x.shape.length), x.shape.length) } };
};

const topK: Draw = (r) => {
  const x = filled(r, dims(r, 1, 4), pick(r, numbers));
  const axis = r.below(x.shape.length);
  const k = int64s([between(r, 1, x.shape[axis]!)]);
  const attrs = { axis: signed(r, axis, x.shape.length), largest: r.below(2), sorted: r.below(2) };
  return { inputs: [x, k], attrs, outputs: 2 };
};

const oneHot: Draw = (r) => {
  const shape = dims(r, 1, 3);
  const depth = between(r, 1, 5);
  const indices = fromNumbers(
    "int64",
    shape,
    Array.from({ length: sizeOf(shape) }, () => between(r, -depth, depth)),
  );
  const values = fromNumbers(pick(r, ["float32", "int64"] as const), [2], [0, 1]);
  const depths = flip(r) ? scalar("int64", depth) : int64s([depth]);
  return { inputs: [indices, depths, values], attrs: { axis: signed(r, r.below(shape.length + 1), shape.length + 1) } };
};

const cumSum: Draw = (r) => {
  const x = filled(r, dims(r, 1, 4), pick(r, numbers));
  const axis = signed(r, r.below(x.shape.length), x.shape.length);
  return { inputs: [x, scalar("int32", axis)], attrs: { exclusive: r.below(2), reverse: r.below(2) } };
};

const trilu: Draw = (r) => {
  const x = filled(r, dims(r, 2, 4), pick(r, numbers));
  return { inputs: flip(r) ? [x] : [x, scalar("int64", between(r, -3, 3))], attrs: { upper: r.below(2) } };
};

const eyeLike: Draw = (r) => ({
  inputs: [filled(r, dims(r, 2, 2), pick(r, numbers))],
  attrs: { k: between(r, -2, 2), ...(flip(r) ? { dtype: pick(r, [1, 6, 7, 11]) } : {}) },
});

const det: Draw = (r) => {
  const n = between(r, 1, 4);
  return { inputs: [filled(r, [...dims(r, 0, 2), n, n])], attrs: {} };
};

const lrn: Draw = (r) => ({ inputs: [filled(r, dims(r, 4, 4))], attrs: { size: 2 * r.below(3) + 1, alpha: 0.01 } });

/** Elementwise operators, reductions, rankings and what works along axes. */
export const mathProblems = {
  Abs: unary(undefined, numbers),
  Ceil: unary(),
  Erf: unary(),
  Exp: unary(),
  Floor: unary(),
  HardSwish: unary(),
  Identity: unary(undefined, ["float32", "bool", "float16", ...integers]),
  Log: unary(),
  Neg: unary(undefined, ["float32", "int8", "int32", "int64"]),
  Reciprocal: unary(),
  Relu: unary(undefined, ["float32", "int8", "int32"]),
  Round: unary(),
  Sigmoid: unary(),
  Sign: unary(undefined, ["float32", ...integers]),
  Softplus: unary(),
  Sqrt: unary(),
  Tanh: unary(),
  Not: unary(() => ({}), ["bool"]),
  Elu: unary(() => ({ alpha: 0.5 })),
  LeakyRelu: unary(() => ({ alpha: 0.5 })),
  HardSigmoid: unary(() => ({ alpha: 0.1, beta: 0.4 })),
  Clip: (r) => {
    const dtype = pick(r, ["float32", "int8", "uint8", "int32", "int64"] as const);
    const bound = (value: number) => pick(r, [null, scalar(dtype, value)]);
    return { inputs: [filled(r, dims(r, 0, 4), dtype), bound(1), bound(2)], attrs: {} };
  },
  Dropout: (r) => ({ inputs: [filled(r, dims(r, 0, 4)), ...(flip(r) ? [scalar("float32", 0.5)] : [])], attrs: {} }),
  Add: broadcast(two, numbers),
  Sub: broadcast(two, numbers),
  Mul: broadcast(two, numbers),
  Div: broadcast(two, numbers),
  Min: broadcast(several, numbers),
  Max: broadcast(several, numbers),
  Sum: broadcast(several, ["float32"]),
  Pow: (r) => {
    const shape = dims(r, 0, 4);
    const [base, exponent] = [pick(r, numbers), pick(r, numbers)];
    return { inputs: [filled(r, shape, base), filled(r, partner(r, shape), exponent)], attrs: {}, fed: [0, 1] };
  },
  PRelu: (r) => {
    const shape = dims(r, 1, 4);
    return { inputs: [filled(r, shape), filled(r, partner(r, shape))], attrs: {} };
  },
  Equal: broadcast(two, ["float32", "int64", "bool"]),
  Greater: broadcast(two, numbers),
  GreaterOrEqual: broadcast(two, numbers),
  Less: broadcast(two, numbers),
  LessOrEqual: broadcast(two, numbers),
  And: broadcast(two, ["bool"]),
  Or: broadcast(two, ["bool"]),
  Where: (r) => {
    const shape = dims(r, 0, 4);
    const shapes = [partner(r, shape), partner(r, shape), shape];
    return { inputs: shapes.map((s, i) => filled(r, s, i === 0 ? "bool" : "float32")), attrs: {}, fed: [0, 1, 2] };
  },
  ReduceL2: reduce(["float32", "int32"]),
  ReduceMax: reduce(["float32", "int32", "int64", "int8", "uint8", "bool"]),
  ReduceMean: reduce(["float32", "int32"]),
  ReduceMin: reduce(["float32", "int32", "int64", "int8", "uint8", "bool"]),
  ReduceProd: reduce(numbers),
  ReduceSum: reduce(numbers),
  ReduceSumSquare: reduce(["float32", "int32"]),
  ArgMax: argument,
  ArgMin: argument,
  Softmax: overAxis,
  LogSoftmax: overAxis,
  Sin: unary(),
  Cos: unary(),
  Tan: unary(),
  Asin: unary(),
  Acos: unary(),
  Atan: unary(),
  Sinh: unary(),
  Cosh: unary(),
  Asinh: unary(),
  Acosh: unary(),
  Atanh: unary(),
  Softsign: unary(),
  Mish: unary(),
  Celu: unary(() => ({ alpha: 0.5 })),
  Selu: unary(() => ({ alpha: 1.5, gamma: 1.1 })),
  ThresholdedRelu: unary(() => ({ alpha: 0.5 })),
  Shrink: unary(() => ({ bias: 0.1, lambd: 0.3 })),
  Gelu: unary((r) => ({ approximate: pick(r, ["none", "tanh"]) })),
  IsNaN: unary(),
  IsInf: unary((r) => ({ detect_negative: r.below(2), detect_positive: r.below(2) })),
  BitwiseNot: unary(() => ({}), integers),
  BitwiseAnd: broadcast(two, integers),
  BitwiseOr: broadcast(two, integers),
  BitwiseXor: broadcast(two, integers),
  // ONNX Runtime has no kernel for uint16.
  BitShift: broadcast(two, ["uint8", "uint32", "uint64"], (r) => ({ direction: pick(r, ["LEFT", "RIGHT"]) })),
  Xor: broadcast(two, ["bool"]),
  Mod: (r) => {
    const problem = broadcast(two, ["float32", ...integers])(r);
    return { ...problem, attrs: { fmod: problem.inputs[0]!.dtype === "float32" ? 1 : r.below(2) } };
  },
  Mean: broadcast(several, ["float32"]),
  CastLike: (r) => ({
    inputs: [filled(r, dims(r, 0, 4), pick(r, numbers)), filled(r, [2], pick(r, numbers))],
    attrs: {},
    fed: [0, 1],
  }),
  ReduceL1: reduce(["float32", "int32"]),
  ReduceLogSum: reduce(),
  ReduceLogSumExp: reduce(),
  Hardmax: overAxis,
  TopK: topK,
  OneHot: oneHot,
  CumSum: cumSum,
  Trilu: trilu,
  EyeLike: eyeLike,
  Det: det,
  LpNormalization: (r) => {
    const { inputs, attrs } = overAxis(r);
    return { inputs, attrs: { ...attrs, p: between(r, 1, 2) } };
  },
  LRN: lrn,
  MeanVarianceNormalization: (r) => ({
    inputs: [filled(r, dims(r, 4, 4))],
    attrs: flip(r) ? {} : { axes: pick(r, [[0], [1], [2, 3], [0, 1, 2, 3]]) },
  }),
} satisfies Partial<Record<OpType, Draw>>;
