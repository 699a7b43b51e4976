import type { Graph, GraphBuilder, ValueId } from "../../src/ir/index.ts";
import { newBuilder } from "../../src/ops/index.ts";
import { float32, int64s, type Random, seededRandom, sizeOf } from "../../src/tensor/index.ts";

/** A graph of random movement, elementwise and contraction operators on small tensors of rank 2 to 5: what layouts must survive. */
export function randomGraph(seed: number, length = 8): Graph {
  const random = seededRandom(seed, "graph");
  const b = newBuilder(`random ${seed}`);
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const values: ValueId[] = [b.input("x", { dtype: "float32", shape: [1, 4, 6, 6] })];
  if (random.below(3) === 0) values.push(b.input("y", { dtype: "float32", shape: [1, 6, 6, 4] }));
  for (let i = 0; i < length; i++) {
    const made = pick(steps)(b, pick(values), random, values);
    if (made !== null) values.push(made);
  }
  const read = new Set(b.currentNodes.flatMap((node) => node.inputs));
  const ends = values.filter((id) => !read.has(id) && !isInput(b, id));
  for (const id of ends.slice(-3)) b.output(id);
  if (ends.length === 0) b.output(b.node("Relu", [values[0]!]));
  return b.build();
}

function isInput(b: GraphBuilder, id: ValueId): boolean {
  return !b.currentNodes.some((node) => node.outputs.includes(id));
}

type Step = (b: GraphBuilder, x: ValueId, random: Random, values: readonly ValueId[]) => ValueId | null;

const shapeOf = (b: GraphBuilder, id: ValueId) => b.value(id).type.shape as readonly number[];
const weight = (b: GraphBuilder, random: Random, shape: readonly number[]) =>
  b.constant(
    "w",
    float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * 0.4),
    ),
  );
const ints = (b: GraphBuilder, values: readonly number[]) => b.constant("i", int64s(values));

const conv: Step = (b, x, random) => {
  const shape = shapeOf(b, x);
  if (shape.length !== 4 || shape[2]! < 3 || shape[3]! < 3) return null;
  const kernel = random.below(2) === 0 ? 1 : 3;
  const pads = kernel === 3 && random.below(2) === 0 ? [1, 1, 1, 1] : [0, 0, 0, 0];
  return b.node("Conv", [x, weight(b, random, [4, shape[1]!, kernel, kernel])], { pads });
};

const pool: Step = (b, x, random) => {
  const shape = shapeOf(b, x);
  if (shape.length !== 4 || shape[2]! < 2 || shape[3]! < 2) return null;
  if (random.below(4) === 0) return b.node("GlobalAveragePool", [x]);
  const attrs = { kernel_shape: [2, 2], strides: [2, 2] };
  return b.node(random.below(2) === 0 ? "MaxPool" : "AveragePool", [x], attrs);
};

const transpose: Step = (b, x, random) => {
  const perm = Int32Array.from(shapeOf(b, x), (_, i) => i);
  random.shuffle(perm);
  return b.node("Transpose", [x], { perm: Array.from(perm) });
};

/** A random factorisation of the same number of elements. */
const reshape: Step = (b, x, random) => {
  let left = sizeOf(shapeOf(b, x));
  const shape: number[] = [];
  while (shape.length < 4 && left > 1) {
    const divisors = Array.from({ length: left }, (_, i) => i + 1).filter((d) => left % d === 0);
    const part = divisors[random.below(divisors.length)]!;
    shape.push(part);
    left /= part;
  }
  shape.push(left);
  while (shape.length < 2) shape.unshift(1);
  return b.node("Reshape", [x, ints(b, shape)]);
};

const flattenGemm: Step = (b, x, random) => {
  const shape = shapeOf(b, x);
  if (shape[0] !== 1 || shape.length < 2) return null;
  const flat = b.node("Flatten", [x]);
  return b.node("Gemm", [flat, weight(b, random, [5, sizeOf(shape)])], { transB: 1 });
};

const unary: Step = (b, x, random) => b.node(["Relu", "Sigmoid", "Neg", "Tanh"][random.below(4)]!, [x]);

const binary: Step = (b, x, random, values) => {
  const shape = shapeOf(b, x);
  const others = values.filter((id) => shapeOf(b, id).join() === shape.join());
  const other = others[random.below(others.length)]!;
  if (random.below(3) === 0 && shape.length > 1) {
    const tail = shape.slice(1).map((dim) => (random.below(2) === 0 ? dim : 1));
    return b.node("Mul", [x, weight(b, random, tail)]);
  }
  return b.node(random.below(2) === 0 ? "Add" : "Mul", [x, other]);
};

const concat: Step = (b, x, random, values) => {
  const shape = shapeOf(b, x);
  const axis = random.below(shape.length);
  const fits = (id: ValueId) => {
    const other = shapeOf(b, id);
    return other.length === shape.length && other.every((dim, i) => i === axis || dim === shape[i]);
  };
  const others = values.filter(fits);
  return b.node("Concat", [x, others[random.below(others.length)]!], { axis });
};

const slice: Step = (b, x, random) => {
  const shape = shapeOf(b, x);
  const axis = random.below(shape.length);
  if (shape[axis]! < 2) return null;
  const inputs = [x, ints(b, [1]), ints(b, [shape[axis]!]), ints(b, [axis])];
  return b.node("Slice", inputs);
};

const pad: Step = (b, x, random) => {
  const { length } = shapeOf(b, x);
  return b.node("Pad", [
    x,
    ints(
      b,
      Array.from({ length: 2 * length }, () => random.below(2)),
    ),
  ]);
};

const reduce: Step = (b, x, random) => {
  const { length } = shapeOf(b, x);
  if (length < 3) return null;
  return b.node("ReduceMean", [x, ints(b, [random.below(length)])], { keepdims: random.below(2) });
};

const softmax: Step = (b, x, random) => b.node("Softmax", [x], { axis: random.below(shapeOf(b, x).length) });

const squeeze: Step = (b, x, random) => {
  const shape = shapeOf(b, x);
  const ones = shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
  if (ones.length > 0 && shape.length > 2) return b.node("Squeeze", [x, ints(b, [ones[random.below(ones.length)]!])]);
  return shape.length < 5 ? b.node("Unsqueeze", [x, ints(b, [random.below(shape.length + 1)])]) : null;
};

const matmul: Step = (b, x, random) => {
  const shape = shapeOf(b, x);
  if (shape.length < 2 || shape.length > 4) return null;
  return b.node("MatMul", [x, weight(b, random, [shape.at(-1)!, 3])]);
};

const split: Step = (b, x, random) => {
  const shape = shapeOf(b, x);
  const axis = random.below(shape.length);
  if (shape[axis]! % 2 !== 0) return null;
  const parts = b.nodes("Split", [x], { axis, num_outputs: 2 }, { outputs: 2 });
  return b.node("Sub", [parts[0]!, parts[1]!]);
};

const steps: readonly Step[] = [
  conv,
  conv,
  pool,
  transpose,
  transpose,
  reshape,
  reshape,
  flattenGemm,
  unary,
  binary,
  binary,
  concat,
  slice,
  pad,
  reduce,
  softmax,
  squeeze,
  matmul,
  split,
];
