import type { ValueId } from "../../../src/ir/index.ts";
import { scalar } from "../../../src/tensor/index.ts";
import { type Construction, PLACES, type RandomGraph, SIDE } from "../random-graph.ts";

/** A map with its places first: [4, 4, N, C]. */
const placesFirst = (g: RandomGraph, x: ValueId) => g.node("Transpose", [x], { perm: [2, 3, 0, 1] });
const placesLast = (g: RandomGraph, x: ValueId) => g.node("Transpose", [x], { perm: [2, 3, 0, 1] });

const elements: Construction = (g, s) => {
  if (!g.fixed) return [];
  const x = g.map(s.a);
  const shape = [2, g.channels(x), SIDE, SIDE];
  const at = g.drawn(shape, () => g.random.below(SIDE), "int64");
  if (s.b % 2 === 0) return [g.node("GatherElements", [x, at], { axis: 2 + (s.size % 2) })];
  const reduction = ["add", "max", "mul"][s.size % 3]!;
  return [g.node("ScatterElements", [x, at, g.weight(...shape)], { axis: 3, reduction })];
};

/** Three rows of places, named by their number, in another order; then a row written over. */
const points: Construction = (g, s) => {
  const x = placesFirst(g, g.map(s.a));
  const rows = g.drawn([SIDE, 1], () => g.random.below(SIDE), "int64");
  if (s.b % 2 === 0) return [placesLast(g, g.node("GatherND", [x, rows]))];
  const cells = g.builder.constant("i", { dtype: "int64", shape: [2, 2], data: BigInt64Array.from([0n, 1n, 2n, 3n]) });
  const wanted = g.node("GatherND", [x, cells]);
  const reduction = ["none", "add", "max"][s.size % 3]!;
  return [placesLast(g, g.node("ScatterND", [x, cells, g.tame(wanted)], { reduction }))];
};

/** Shares of the classes that the greatest of three channels name, on a new axis. */
const classes: Construction = (g, s) => {
  const x = g.map(s.a);
  const c = g.channels(x);
  const first = g.cast(g.node("ArgMax", [g.exact(c)], { axis: 3, keepdims: 0 }), "int64");
  const hot = g.node("OneHot", [first, g.number(SIDE, "int64"), g.floats(0, 1)], { axis: s.b % 2 === 0 ? -1 : 3 });
  return [g.beyond(x, hot)];
};

/** The places of greatest values, put back. */
const unpooled: Construction = (g, s) => {
  const x = g.map(s.a);
  const attrs = { kernel_shape: [2, 2], strides: [2, 2] };
  const [best, at] = g.nodes("MaxPool", [g.exact(g.channels(x))], attrs, 2) as [ValueId, ValueId];
  return [g.beyond(x, g.node("MaxUnpool", [best, at], attrs))];
};

/** Row vectors that operators make out of nothing. */
const vectors: readonly ((g: RandomGraph) => ValueId)[] = [
  ...["HannWindow", "HammingWindow", "BlackmanWindow"].map(
    (op) => (g: RandomGraph) => g.node(op, [g.number(SIDE, "int64")], { periodic: 1 }),
  ),
  (g) => g.node("Range", [g.number(0.5), g.number(2.5), g.number(0.5)]),
  (g) => g.node("ConstantOfShape", [g.ints(SIDE)], { value: scalarOf(0.7) }),
  (g) => {
    const numbers = [SIDE, 2 * SIDE - 2].map((n) => g.number(n, "int64"));
    const mel = [...numbers, g.number(8000, "int64"), g.number(0), g.number(4000)];
    return g.node("MelWeightMatrix", mel);
  },
];

const scalarOf = (value: number) => ({ ...scalar("float32", value), shape: [1] });

/** The sizes of a value, as numbers. */
const sizes: Construction = (g, s) => {
  const x = g.any(s.a);
  const count = s.b % 2 === 0 ? g.node("Size", [x]) : g.node("Shape", [x], { start: 1, end: 2 });
  return [g.node("Mul", [x, g.node("Sin", [g.cast(count, "float32")])])];
};

const diagonal: Construction = (g, s) => {
  const x = g.map(s.a);
  const source = s.b % 2 === 0 ? g.weight(SIDE, SIDE) : g.node("ReduceMean", [x, g.ints(0, 1)], { keepdims: 0 });
  return [g.node("Add", [x, g.node("EyeLike", [source], { k: (s.size % 3) - 1 })])];
};

/** The spectrum of each column of a map, or of the frames of all its places. */
const spectrum: Construction = (g, s) => {
  const x = g.map(s.a);
  const c = g.channels(x);
  if (s.b % 2 === 0) {
    const signal = g.node("Unsqueeze", [x, g.ints(4)]);
    const axis = g.number(2 + (s.size % 2), "int64");
    const [real, other] = g.split(g.node("DFT", [signal, null, axis]), 4, 1, 1) as [ValueId, ValueId];
    return [g.tame(g.node("Squeeze", [g.node("Add", [real, other]), g.ints(4)]))];
  }
  if (!g.fixed) return [];
  const signal = g.reshape(x, -1, PLACES, 1);
  const frames = g.node("STFT", [signal, g.number(4, "int64"), g.positive(7), g.number(7, "int64")], { onesided: 1 });
  const [real] = g.split(frames, 3, 1, 1) as [ValueId];
  const rows = g.node("ReduceMean", [real, g.ints(1, 2, 3)], { keepdims: 0 });
  return [g.node("Mul", [x, g.tame(g.reshape(rows, 2, c, 1, 1))])];
};

/** Positions that indices name, and values that operators make out of sizes. */
export const indices: Readonly<Record<string, Construction>> = {
  elements,
  points,
  classes,
  unpooled,
  vectors: (g, s) => [g.node("Mul", [g.map(s.a), vectors[s.b % vectors.length]!(g)])],
  sizes,
  diagonal,
  spectrum,
};
