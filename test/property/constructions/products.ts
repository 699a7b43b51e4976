import type { ValueId } from "../../../src/ir/index.ts";
import { type Construction, PLACES, type RandomGraph, SIDE, type Step } from "../random-graph.ts";

/** A grouped convolution whose groups do not line up with those of the one before it: 4 and 2, or 2 and 4. */
const unequalGroups: Construction = (g, s) => {
  const [first, second] = s.b % 2 === 0 ? [4, 2] : [2, 4];
  const x = g.conv(g.conv(g.map(s.a), 4, 1), 8, 3, first);
  return [g.conv(g.node("Relu", [x]), 4 + 4 * (s.size % 2), 1, second)];
};

/** Down by two and up again. */
const hourglass: Construction = (g, s) => {
  const x = g.map(s.a);
  const small = g.conv(x, 2 + (s.size % 5), 3, 1, { strides: [2, 2] });
  const up = [small, g.weight(g.channels(small), 2 + (s.b % 3), 2, 2), g.weight(2 + (s.b % 3))];
  return [g.node("ConvTranspose", up, { strides: [2, 2] })];
};

const gate: Construction = (g, s) => {
  const x = g.map(s.a);
  const squeezed = g.conv(g.node("GlobalAveragePool", [x]), 3, 1);
  return [g.node("Mul", [x, g.node("Sigmoid", [g.conv(g.node("Relu", [squeezed]), g.channels(x), 1)])])];
};

/** A gate of fully connected layers, in one of the four layouts of Gemm. */
const gemmGate: Construction = (g, s) => {
  const x = g.map(s.a);
  const c = g.channels(x);
  const pooled = g.node("Flatten", [g.node("GlobalMaxPool", [x])]);
  const [transA, transB] = [s.b % 2, s.size % 2];
  const hidden = g.node("Gemm", [pooled, g.weight(4, c), g.weight(4)], { transB: 1, alpha: 0.5 });
  const weights = transB === 1 ? g.weight(c, 4) : g.columns(4, c);
  const fed = transA === 1 ? g.node("Transpose", [hidden], { perm: [1, 0] }) : hidden;
  const opened = g.node("Gemm", [g.node("Softsign", [fed]), weights, g.weight(1, c)], { transA, transB, beta: 2 });
  return [g.node("Mul", [x, g.node("Unsqueeze", [g.node("Sigmoid", [opened]), g.ints(2, 3)])])];
};

/** A weight on the left of a product. */
const leftProduct: Construction = (g, s) => {
  const x = g.map(s.a);
  const out = 2 + (s.size % 5);
  const y = g.node("MatMul", [g.weight(out, g.channels(x)), g.reshape(x, 0, g.channels(x), PLACES)]);
  return [g.reshape(y, 0, out, SIDE, SIDE)];
};

/** Every pair of channels of two small projections. */
const bilinear: Construction = (g, s) => {
  const flat = (x: ValueId, out: number) => g.reshape(g.conv(x, out, 1), 0, out, PLACES);
  const [left, right] = [flat(g.map(s.a), 3), flat(g.map(s.b), 2 + (s.size % 3))];
  const product = g.node("MatMul", [g.tame(left), g.node("Transpose", [g.tame(right)], { perm: [0, 2, 1] })]);
  const mixed = g.linear(g.reshape(product, 0, -1), 4);
  return [g.node("Mul", [g.conv(g.map(s.a), 4, 1), g.node("Unsqueeze", [g.tame(mixed), g.ints(2, 3)])])];
};

const deformable: Construction = (g, s) => {
  const x = g.map(s.a);
  const offsets = g.fixed ? g.drawn([2, 18, SIDE, SIDE], () => g.random.normal() * 0.3) : null;
  const computed = g.conv(g.tame(x), 18, 1);
  const out = 2 + (s.size % 4);
  const weights = [g.weight(out, g.channels(x), 3, 3), offsets !== null && s.b % 2 === 0 ? offsets : computed];
  return [g.node("DeformConv", [x, ...weights, g.weight(out)], { pads: [1, 1, 1, 1] })];
};

const equations: readonly ((g: RandomGraph, s: Step) => ValueId)[] = [
  (g, s) => {
    const x = g.map(s.a);
    return g.node("Einsum", [g.weight(2 + (s.size % 4), g.channels(x)), x], { equation: "oc,nchw->nohw" });
  },
  (g, s) => {
    const x = g.tokens(s.a);
    return g.node("Einsum", [x, g.columns(g.channels(x), 2 + (s.size % 4))], { equation: "ntc,cd->ntd" });
  },
  // Per head.
  (g, s) => {
    const x = g.linear(g.tokens(s.a), 6);
    const y = g.node("Einsum", [g.reshape(x, 0, 0, 2, 3), g.columns(2, 3, 4)], { equation: "nthd,hdo->ntho" });
    return g.reshape(y, 0, 0, 8);
  },
  // Both axes of a grid are summed over.
  (g, s) => {
    const x = g.reshape(g.linear(g.tokens(s.a), 6), 0, 0, 2, 3);
    return g.node("Einsum", [x, g.weight(2, 3, 4)], { equation: "nthd,hdo->nto" });
  },
  // A sum of one operand, and of three.
  (g, s) => {
    const x = g.tokens(s.a);
    const sums = g.node("Einsum", [x], { equation: "ntc->nt" });
    return g.node("Mul", [x, g.tame(g.node("Unsqueeze", [sums, g.ints(2)]))]);
  },
  (g, s) => {
    const x = g.tokens(s.a);
    const c = g.channels(x);
    return g.node("Einsum", [x, g.weight(c), g.columns(c, 3)], { equation: "ntc,c,cd->ntd" });
  },
];

const tied: Construction = (g, s) => {
  const x = g.map(s.a);
  const c = g.channels(x);
  const weight = g.weight(c, c, 1, 1);
  return [g.node("Conv", [g.node("Relu", [g.node("Conv", [x, weight])]), weight])];
};

/** Products with a weight, and between computed values. */
export const products: Readonly<Record<string, Construction>> = {
  conv: (g, s) => [g.conv(g.map(s.a), 2 + (s.size % 7))],
  "conv, dilated": (g, s) => [g.conv(g.map(s.a), 2 + (s.size % 5), 3, 1, { dilations: [2, 2], pads: [2, 2, 2, 2] })],
  // Along a line of all places, and in a block of them.
  "conv, 1-D and 3-D": (g, s) => {
    const x = g.map(s.a);
    const [c, out] = [g.channels(x), 2 + (s.size % 5)];
    const [places, kernel] =
      s.b % 2 === 0
        ? [[PLACES], [3]]
        : [
            [2, 2, SIDE],
            [1, 1, 3],
          ];
    const pads = [...kernel, ...kernel].map((size) => (size - 1) / 2);
    const y = g.node("Conv", [g.reshape(x, 0, c, ...places), g.weight(out, c, ...kernel), g.weight(out)], { pads });
    return [g.reshape(y, 0, out, SIDE, SIDE)];
  },
  "conv, 1x1": (g, s) => [g.conv(g.map(s.a), 4, 1)],
  "conv, residual": (g, s) => {
    const x = g.map(s.a);
    return [g.node("Add", [x, g.conv(g.node("Relu", [g.conv(x, 2 + (s.size % 4))]), g.channels(x))])];
  },
  "conv, depthwise": (g, s) => {
    const x = g.map(s.a);
    return [g.conv(x, g.channels(x) * (1 + (s.size % 2)), 3, g.channels(x))];
  },
  "conv, grouped": (g, s) => {
    const x = g.conv(g.map(s.a), 4 + 4 * (s.size % 2), 1);
    return [g.conv(x, 2 * (2 + (s.b % 3)), 3, 2)];
  },
  "conv, unequal groups": unequalGroups,
  "conv, tied": tied,
  "transposed conv": (g, s) => {
    const weight = g.weight(g.channels(g.map(s.a)), 2 + (s.size % 4), 1, 1);
    return [g.node("ConvTranspose", [g.map(s.a), weight, g.weight(2 + (s.size % 4))])];
  },
  "transposed conv, grouped": (g, s) => {
    const x = g.conv(g.map(s.a), 4 + 2 * (s.b % 2), 1);
    return [g.node("ConvTranspose", [x, g.weight(g.channels(x), 1 + (s.size % 3), 1, 1)], { group: 2 })];
  },
  hourglass,
  gate,
  "gemm gate": gemmGate,
  linear: (g, s) => [g.linear(g.tokens(s.a), 2 + (s.size % 6))],
  "left product": leftProduct,
  bilinear,
  deformable,
  einsum: (g, s) => [equations[s.b % equations.length]!(g, s)],
  "einsum, again": (g, s) => [equations[s.size % equations.length]!(g, s)],
  "gated linear unit": (g, s) => {
    const width = 2 + (s.size % 4);
    const [value, opened] = g.split(g.conv(g.map(s.a), 2 * width, 1), 1, width, width);
    return [g.node("Mul", [value!, g.node("Sigmoid", [opened!])])];
  },
  "gated MLP": (g, s) => {
    const x = g.tokens(s.a);
    const up = g.linear(x, 3 + (s.size % 5));
    const swish = g.node("Mul", [up, g.node("Sigmoid", [up])]);
    return [g.node("Add", [x, g.linear(g.node("Mul", [swish, g.linear(x, g.channels(up))]), g.channels(x))])];
  },
};
