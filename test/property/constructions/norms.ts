import type { ValueId } from "../../../src/ir/index.ts";
import { type Construction, PLACES, type RandomGraph, SIDE, type Step } from "../random-graph.ts";

const epsilon = 0.1;

/** A map whose places differ, also where a channel is the same everywhere: nothing to divide by zero. */
function uneven(g: RandomGraph, x: ValueId): ValueId {
  return g.node("Add", [x, g.weight(SIDE, SIDE)]);
}

const normalisations: readonly ((g: RandomGraph, s: Step) => ValueId)[] = [
  (g, s) => {
    const x = g.map(s.a);
    return g.node("InstanceNormalization", [x, g.weight(g.channels(x)), g.weight(g.channels(x))], { epsilon });
  },
  // In groups: whole groups can go.
  (g, s) => {
    const x = g.conv(g.map(s.a), 6, 1);
    const grouped = g.reshape(x, 0, 3, -1);
    const normal = g.node("InstanceNormalization", [grouped, g.positive(3), g.weight(3)], { epsilon });
    return g.node("Mul", [g.reshape(normal, 0, 6, SIDE, SIDE), g.weight(6, 1, 1)]);
  },
  (g, s) => {
    const x = g.tokens(s.a);
    const c = g.channels(x);
    return g.node("LayerNormalization", [x, g.weight(c), g.weight(c)], { axis: -1, epsilon });
  },
  // Per head.
  (g, s) => {
    const x = g.reshape(g.linear(g.tokens(s.a), 6), 0, 0, 2, 3);
    return g.reshape(g.node("LayerNormalization", [x, g.weight(3)], { axis: -1, epsilon }), 0, 0, 6);
  },
  // Over places, and over everything.
  (g, s) => {
    const x = g.map(s.a);
    if (s.b % 2 === 0) return g.node("LayerNormalization", [x, g.weight(SIDE, SIDE)], { axis: 2, epsilon });
    return g.node("LayerNormalization", [x, g.weight(g.channels(x), SIDE, SIDE)], { axis: 1, epsilon });
  },
  (g, s) => g.node("MeanVarianceNormalization", [uneven(g, g.map(s.a))], s.b % 2 === 0 ? {} : { axes: [1, 2, 3] }),
  (g, s) => g.node("LpNormalization", [g.above(g.map(s.a))], { axis: 1 + (s.b % 3), p: 1 + (s.size % 2) }),
  (g, s) => g.node("LRN", [g.tame(g.map(s.a))], { size: 3, alpha: 0.1 }),
  // Root mean square, out of its parts.
  (g, s) => {
    const x = g.tokens(s.a);
    const mean = g.node("ReduceMean", [g.node("Mul", [x, x]), g.ints(-1)], { keepdims: 1 });
    const root = g.node("Sqrt", [g.node("Add", [mean, g.number(epsilon)])]);
    return g.node("Mul", [g.node("Div", [x, root]), g.positive(g.channels(x))]);
  },
];

/** What can be reduced, each with the values on which it is smooth. */
const reductions: readonly (readonly [string, (g: RandomGraph, x: ValueId) => ValueId])[] = [
  ["ReduceSum", (g, x) => g.tame(x)],
  ["ReduceMean", (_, x) => x],
  ["ReduceMax", (_, x) => x],
  ["ReduceMin", (_, x) => x],
  ["ReduceSumSquare", (g, x) => g.tame(x)],
  ["ReduceL1", (g, x) => g.tame(x)],
  ["ReduceL2", (g, x) => g.above(x)],
  ["ReduceLogSum", (g, x) => g.above(x)],
  ["ReduceLogSumExp", (g, x) => g.tame(x)],
];

/** A reduction of a map, laid beside it or, where it ran over the channels, beside another map. */
function reduced(g: RandomGraph, x: ValueId, at: number, axes: readonly number[], other = x): ValueId {
  const [op, domain] = reductions[at % reductions.length]!;
  const keepdims = at % 2;
  let small = g.node(op, [domain(g, x), g.ints(...axes)], { keepdims });
  if (keepdims === 0) small = g.node("Unsqueeze", [small, g.ints(...axes)]);
  return g.node("Mul", [other, g.tame(small)]);
}

/** Three reductions in a row: two over places, one over channels, places or both. */
const reduction: Construction = (g, s) => {
  const first = reduced(g, g.map(s.a), s.size, s.b % 2 === 0 ? [2, 3] : [3]);
  const second = reduced(g, first, s.b, s.size % 2 === 0 ? [2] : [-2, -1]);
  const axes = [[1], [2, 3], [3], [1, 2, 3], [-3, -1]][s.b % 5]!;
  return [reduced(g, second, s.size + s.a, axes, axes.includes(1) || axes.includes(-3) ? g.map(s.b) : second)];
};

const pool = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };

/** Positions of extremes along a row, of exact values, as numbers beside a map. */
function extremes(g: RandomGraph, s: Step, op: string): ValueId {
  const x = g.map(s.a);
  const at = g.node(op, [g.exact(g.channels(x))], { axis: 2 + (s.b % 2), keepdims: 1 });
  return g.beyond(x, g.cast(at, "float32"));
}

/** Normalisation, reduction, pooling and ranking. */
export const norms: Readonly<Record<string, Construction>> = {
  normalisation: (g, s) => [normalisations[s.size % normalisations.length]!(g, s)],
  "normalisation, second": (g, s) => [normalisations[(s.size + 4) % normalisations.length]!(g, s)],
  reduction,
  "reduction, second": (g, s) => reduction(g, { ...s, size: s.size + 4, b: s.b + 2 }),
  product: (g, s) => {
    const x = g.map(s.a);
    return [g.node("Mul", [x, g.node("ReduceProd", [g.above(x), g.ints(2 + (s.b % 2))])])];
  },
  Softmax: (g, s) => [g.node("Softmax", [g.map(s.a)], { axis: 1 + (s.b % 3) })],
  LogSoftmax: (g, s) => [g.node("LogSoftmax", [g.map(s.a)], { axis: 1 + (s.b % 3) })],
  // Rows that share out a whole: none of them can go, their columns can.
  "shares of rows": (g, s) => {
    const grid = g.reshape(g.conv(g.map(s.a), 6, 1), 0, 2, 3, SIDE, SIDE);
    const shares = g.node("Softmax", [g.node("ReduceSum", [grid, g.ints(2)], { keepdims: 1 })], { axis: 1 });
    return [g.reshape(g.node("Mul", [grid, shares]), 0, 6, SIDE, SIDE)];
  },
  // Shares inside rows: the rows can go.
  "shares in rows": (g, s) => {
    const grid = g.reshape(g.conv(g.map(s.a), 6, 1), 0, 2, 3, PLACES);
    return [g.reshape(g.node("Softmax", [grid], { axis: 2 }), 0, 6, SIDE, SIDE)];
  },
  "per-head gate": (g, s) => {
    const grid = g.reshape(g.conv(g.map(s.a), 6, 1), 0, 2, 3, SIDE, SIDE);
    const opened = g.node("Sigmoid", [g.node("ReduceSum", [grid, g.ints(2)], { keepdims: 1 })]);
    const scale = s.b % 2 === 0 ? g.weight(2, 3, 1, 1) : g.weight(1, 3, 1, 1);
    return [g.reshape(g.node("Mul", [g.node("Mul", [grid, opened]), scale]), 0, 6, SIDE, SIDE)];
  },
  Hardmax: (g, s) => {
    const x = g.map(s.a);
    return [g.beyond(x, g.node("Hardmax", [g.exact(g.channels(x))], { axis: 1 + (s.b % 3) }))];
  },
  ArgMax: (g, s) => [extremes(g, s, "ArgMax")],
  ArgMin: (g, s) => [extremes(g, s, "ArgMin")],
  TopK: (g, s) => {
    const x = g.map(s.a);
    const axis = 1 + (s.b % 3);
    const [, at] = g.nodes("TopK", [g.exact(g.channels(x)), g.ints(2)], { axis: 3 }, 2) as [ValueId, ValueId];
    const [best] = g.nodes("TopK", [x, g.ints(g.shape(x)[axis]!)], { axis, largest: s.size % 2 }, 2) as [ValueId];
    const shares = g.node("ReduceMean", [g.cast(at, "float32"), g.ints(3)], { keepdims: 1 });
    return [g.node("Add", [best, shares])];
  },
  CumSum: (g, s) => [g.tame(g.node("CumSum", [g.map(s.a), g.number(1 + (s.b % 3), "int32")], { reverse: s.size % 2 }))],
  "pool, greatest": (g, s) => [g.node("MaxPool", [g.map(s.a)], pool)],
  "pool, mean": (g, s) => [g.node("AveragePool", [g.map(s.a)], { ...pool, count_include_pad: s.b % 2 })],
  "pool, norm": (g, s) => [g.node("LpPool", [g.above(g.map(s.a))], { ...pool, p: 2 })],
  "global pools": (g, s) => {
    const x = g.map(s.a);
    const op = ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"][s.b % 3]!;
    return [g.node("Mul", [x, g.node(op, [op === "GlobalLpPool" ? g.above(x) : x])])];
  },
  determinant: (g, s) => {
    const x = g.map(s.a);
    const small = g.node("Det", [g.node("Mul", [g.tame(x), g.number(0.7)])]);
    return [g.node("Mul", [x, g.above(g.node("Unsqueeze", [small, g.ints(2, 3)]))])];
  },
};
