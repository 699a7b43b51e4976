import type { Attributes, ValueId } from "../../../src/ir/index.ts";
import type { Construction, RandomGraph } from "../random-graph.ts";

/** An operator of one input, where it is defined and not steep. */
interface Curve {
  readonly op: string;
  readonly attrs?: Attributes;
  readonly domain?: (g: RandomGraph, x: ValueId) => ValueId;
}

const tame = (g: RandomGraph, x: ValueId) => g.tame(x);
const above = (g: RandomGraph, x: ValueId) => g.above(x);
/** Values in (-0.9, 0.9). */
const inner = (g: RandomGraph, x: ValueId) => g.node("Mul", [g.tame(x), g.number(0.9)]);

const curves: readonly Curve[] = [
  ...["Relu", "Sigmoid", "HardSwish", "Tanh", "Abs", "Erf", "Identity", "Mish", "Neg", "Sin", "Cos"].map((op) => ({
    op,
  })),
  ...["Asinh", "Atan", "Softplus", "Softsign", "Dropout", "Selu"].map((op) => ({ op })),
  ...["Elu", "LeakyRelu", "Celu"].map((op) => ({ op, attrs: { alpha: 0.5 } })),
  { op: "Gelu" },
  { op: "Gelu", attrs: { approximate: "tanh" } },
  { op: "HardSigmoid", attrs: { alpha: 0.3, beta: 0.4 } },
  // Without a jump: the bias is the threshold.
  { op: "Shrink", attrs: { bias: 0.3, lambd: 0.3 } },
  ...["Exp", "Sinh", "Cosh", "Tan"].map((op) => ({ op, domain: tame })),
  ...["Asin", "Acos", "Atanh"].map((op) => ({ op, domain: inner })),
  ...["Log", "Sqrt", "Reciprocal"].map((op) => ({ op, domain: above })),
  { op: "Acosh", domain: (g, x) => g.node("Add", [g.above(x), g.number(1)]) },
];

/** Three curves, one on the other. */
function curve(offset: number): Construction {
  const drawn = (g: RandomGraph, x: ValueId, at: number) => {
    const { op, attrs = {}, domain } = curves[at % curves.length]!;
    return g.node(op, [domain === undefined ? x : domain(g, x)], attrs);
  };
  return (g, s) => {
    const first = drawn(g, g.any(s.a), s.b * 21 + s.size + offset);
    return [drawn(g, drawn(g, first, s.size * 21 + s.b), s.a * 21 + s.size)];
  };
}

/** Operators that jump, each on values that are exact; a truth becomes 0 or 1. */
const steps: readonly ((g: RandomGraph, x: ValueId, y: ValueId) => ValueId)[] = [
  ...["Ceil", "Floor", "Round", "Sign"].map((op) => (g: RandomGraph, x: ValueId) => g.node(op, [x])),
  (g, x) => g.node("ThresholdedRelu", [x], { alpha: 0.3 }),
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"].map(
    (op) => (g: RandomGraph, x: ValueId, y: ValueId) => g.cast(g.node(op, [x, y]), "float32"),
  ),
  ...["And", "Or", "Xor"].map((op) => (g: RandomGraph, x: ValueId, y: ValueId) => {
    const signs = [x, y].map((value) => g.node("Greater", [value, g.number(0)]));
    return g.cast(g.node(op, signs), "float32");
  }),
  (g, x) => g.cast(g.node("Not", [g.cast(x, "bool")]), "float32"),
  (g, x) => g.cast(g.node("Not", [g.node("IsNaN", [x])]), "float32"),
  (g, x) => g.cast(g.node("IsInf", [g.node("Div", [x, g.number(0)])], { detect_negative: 0 }), "float32"),
  (g, x, y) => g.node("Mod", [x, g.node("Add", [g.node("Abs", [y]), g.number(1)])], { fmod: 1 }),
  (g, x, y) => g.cast(g.node("Mod", [bytes(g, x), g.node("Max", [bytes(g, y), g.number(3, "int32")])]), "float32"),
  ...["BitwiseAnd", "BitwiseOr", "BitwiseXor"].map(
    (op) => (g: RandomGraph, x: ValueId, y: ValueId) => g.cast(g.node(op, [bytes(g, x), bytes(g, y)]), "float32"),
  ),
  (g, x) => g.cast(g.node("BitwiseNot", [bytes(g, x)]), "float32"),
  (g, x, y) => {
    const [left, right] = [x, y].map((value) => g.cast(bytes(g, value), "uint32"));
    const places = g.node("BitwiseAnd", [right!, g.number(3, "uint32")]);
    return g.cast(g.cast(g.node("BitShift", [left!, places], { direction: "LEFT" }), "int32"), "float32");
  },
  (g, x) => g.node("CastLike", [g.cast(x, "float16"), x]),
];

/** Integers of 0 to 30 or so. */
function bytes(g: RandomGraph, x: ValueId): ValueId {
  return g.cast(g.node("Mul", [g.node("Abs", [x]), g.number(8)]), "int32");
}

/** Three jumps beside a map. */
function jump(offset: number): Construction {
  return (g, s) => {
    const x = g.map(s.a);
    const c = g.channels(x);
    const drawn = (at: number) => {
      const made = steps[at % steps.length]!(g, g.exact(c), g.exact(c));
      return g.node("Mul", [made, g.number(0.2)]);
    };
    const two = g.node("Add", [drawn(s.b * 21 + s.size + offset), drawn(s.size * 21 + s.b)]);
    return [g.node("Add", [x, g.node("Mul", [two, drawn(s.a * 21 + s.size)])])];
  };
}

/** Constants that broadcast beside a map in all the ways there are. */
const besides = [
  (c: number) => [c, 1, 1],
  (c: number) => [1, c, 1, 1],
  () => [1],
  () => [],
  (c: number) => [c, 1, 4],
  () => [4, 4],
  (c: number) => [1, c, 4, 4],
];

/** Operators position by position. */
export const elementwise: Readonly<Record<string, Construction>> = {
  curve: curve(0),
  "curve, second": curve(11),
  jump: jump(0),
  "jump, second": jump(9),
  binary: (g, s) => [g.node(["Add", "Mul", "Sub", "Max", "Min"][s.size % 5]!, g.pair(s))],
  "binary, several": (g, s) => {
    const [a, b] = g.pair(s);
    return [g.node(["Sum", "Mean", "Max", "Min"][s.size % 4]!, [a, g.node("Sin", [b]), b])];
  },
  quotient: (g, s) => {
    const [a, b] = g.pair(s);
    return [g.node("Div", [a, g.above(b)])];
  },
  power: (g, s) => {
    const x = g.any(s.a);
    return [g.node("Pow", [g.above(x), s.b % 2 === 0 ? g.number(2) : g.positive(...g.beside(x))])];
  },
  "with a constant": (g, s) => {
    const x = g.map(s.a);
    const shape = besides[s.b % besides.length]!(g.channels(x));
    return [g.node(["Add", "Mul", "Sub", "Div"][s.size % 4]!, [x, g.positive(...shape)])];
  },
  clip: (g, s) => [g.node("Clip", [g.any(s.a), g.number(-0.7), s.b % 2 === 0 ? g.number(0.9) : null])],
  PRelu: (g, s) => {
    const x = g.any(s.a);
    return [g.node("PRelu", [x, g.weight(...g.beside(x))])];
  },
  choice: (g, s) => {
    const [a, b] = g.pair({ ...s, a: 0 });
    const c = g.channels(a);
    const condition =
      g.isMap(a) && s.size % 2 === 0
        ? g.node("Greater", [g.exact(c), g.number(0)])
        : g.cast(
            g.drawn(g.beside(a), () => g.random.below(2), "int32"),
            "bool",
          );
    return [g.node("Where", [condition, a, b])];
  },
  "batch normalisation": (g, s) => {
    const x = g.map(s.a);
    const c = g.channels(x);
    return [g.node("BatchNormalization", [x, g.weight(c), g.weight(c), g.weight(c), g.positive(c)])];
  },
};
