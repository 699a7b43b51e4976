import { type Node, typeText, type ValueId } from "../ir/index.ts";
import { definePass, type GraphView, replaceBy, rule } from "../rewrite/index.ts";
import {
  besideNumber,
  constantNumber,
  deepest,
  factoringsOf,
  isPolynomial,
  multiplesOf,
  operandPairs,
  polynomialOf,
} from "./expression.ts";

/** x multiplied by something, in a product of nothing else. */
interface Gate {
  readonly number: number;
  readonly x: ValueId;
  readonly other: ValueId;
}

/** The ways to read a product as one of two values and a number. */
function gates(view: GraphView, node: Node): Gate[] {
  return factoringsOf(view, node.outputs[0]!, 2).flatMap(({ number, values: [a, b] }) => {
    if (a === undefined || b === undefined) return [];
    const ways = [
      { number, x: a, other: b },
      { number, x: b, other: a },
    ];
    return ways.filter(({ x }) => typeText(view.type(x)) === typeText(view.type(node.outputs[0]!)));
  });
}

/** The node of an operator from which a value is computed by one addition or multiplication after another of numbers. */
function under(view: GraphView, id: ValueId, op: string): Node | null {
  for (let node = view.producer(id); node !== null; ) {
    if (node.op === op) return node;
    if (node.op !== "Add" && node.op !== "Mul" && node.op !== "Div") return null;
    node = view.producer(besideNumber(view, node)?.x);
  }
  return null;
}

/** x / 2 (1 + erf(x / sqrt 2)); and by tanh(sqrt(2 / pi) (x + 0.044715 x^3)) (Hendrycks & Gimpel 2016, "Gaussian error linear units"). */
const spellings = [
  { op: "Erf", approximate: "none", inner: [0, Math.SQRT1_2] },
  {
    op: "Tanh",
    approximate: "tanh",
    inner: [0, Math.sqrt(2 / Math.PI), 0, 0.044715 * Math.sqrt(2 / Math.PI)],
  },
] as const;

const asGelu = rule("as-gelu", ["Mul", "Div"], (node, view) => {
  for (const { number, x, other } of gates(view, node)) {
    for (const { op, approximate, inner } of spellings) {
      const curve = under(view, other, op);
      if (curve === null) continue;
      const outer = polynomialOf(view, other, curve.outputs[0]!);
      const half = 0.5 / number;
      if (!isPolynomial(outer, [half, half]) || !isPolynomial(polynomialOf(view, curve.inputs[0]!, x), inner)) continue;
      const attrs = approximate === "none" ? {} : { approximate };
      return replaceBy(view, node, (p) => p.node("Gelu", [x], attrs, { name: node.name }));
    }
  }
  return null;
});

const asMish = rule("as-mish", ["Mul"], (node, view) => {
  for (const { number, x, other } of gates(view, node)) {
    const tanh = view.producer(other);
    const softplus = tanh?.op === "Tanh" ? view.producer(tanh.inputs[0]) : null;
    if (number === 1 && softplus?.op === "Softplus" && softplus.inputs[0] === x)
      return replaceBy(view, node, (p) => p.node("Mish", [x], {}, { name: node.name }));
  }
  return null;
});

const asSoftplus = rule("as-softplus", ["Log"], (node, view) => {
  const add = view.producer(node.inputs[0]);
  const operands = add?.op === "Add" ? besideNumber(view, add) : null;
  const exp = operands?.number === 1 ? view.producer(operands.x) : null;
  if (exp?.op !== "Exp") return null;
  return replaceBy(view, node, (p) => p.node("Softplus", [exp.inputs[0]!], {}, { name: node.name }));
});

const asSoftsign = rule("as-softsign", ["Div"], (node, view) => {
  const add = view.producer(node.inputs[1]);
  const operands = add?.op === "Add" ? besideNumber(view, add) : null;
  const abs = operands?.number === 1 ? view.producer(operands.x) : null;
  if (abs?.op !== "Abs" || abs.inputs[0] !== node.inputs[0]) return null;
  return replaceBy(view, node, (p) => p.node("Softsign", [node.inputs[0]!], {}, { name: node.name }));
});

/** A number times min(x, 0). */
interface NegativePart {
  readonly x: ValueId;
  readonly factor: number;
}

/** The ways to read a value as a number times min(x, 0), spelled -relu(-x), clip(x, _, 0), min(x, 0) or (x - |x|) / 2. */
function negativeParts(view: GraphView, id: ValueId, depth = 0): NegativePart[] {
  if (depth > deepest) return [];
  return multiplesOf(view, id).flatMap(({ number, value }) => {
    const node = view.producer(value);
    if (node === null) return [];
    const [x, second] = [node.inputs[0]!, node.inputs[1] ?? null];
    if (node.op === "Neg")
      return negativeParts(view, x, depth + 1).map((part) => ({ x: part.x, factor: -number * part.factor }));
    if (node.op === "Relu") return opposites(view, x).map((inner) => ({ x: inner, factor: -number }));
    if (node.op === "Clip" && second === null && constantNumber(view, node.inputs[2]) === 0)
      return [{ x, factor: number }];
    const bound = node.op === "Min" ? besideNumber(view, node) : null;
    if (bound?.number === 0) return [{ x: bound.x, factor: number }];
    const abs = node.op === "Sub" ? view.producer(second) : null;
    return abs?.op === "Abs" && abs.inputs[0] === x ? [{ x, factor: 2 * number }] : [];
  });
}

/** The values of which a value is the opposite. */
function opposites(view: GraphView, id: ValueId): ValueId[] {
  const node = view.producer(id);
  if (node?.op === "Neg") return [node.inputs[0]!];
  return multiplesOf(view, id).flatMap(({ number, value }) => (number === -1 ? [value] : []));
}

/** The ways to read a value as a constant times a negative part. */
function slopesOf(view: GraphView, id: ValueId, depth = 0): (NegativePart & { readonly slope: ValueId })[] {
  const node = depth > deepest ? null : view.producer(id);
  if (node?.op === "Neg")
    return slopesOf(view, node.inputs[0]!, depth + 1).map((part) => ({ ...part, factor: -part.factor }));
  if (node?.op !== "Mul") return [];
  return operandPairs(node).flatMap(([slope, other]) =>
    view.constant(slope) === null ? [] : negativeParts(view, other).map((part) => ({ ...part, slope })),
  );
}

/** relu(x) + slope min(x, 0), the slope a constant. */
const asPRelu = rule("as-prelu", ["Add", "Sub"], (node, view) => {
  for (const [positive, negative] of node.op === "Add" ? operandPairs(node) : operandPairs(node).slice(0, 1)) {
    const relu = view.producer(positive);
    const x = relu?.op === "Relu" ? relu.inputs[0]! : null;
    const sign = node.op === "Add" ? 1 : -1;
    const found = slopesOf(view, negative).find((part) => part.x === x && part.factor === sign);
    if (x === null || found === undefined) continue;
    const isBroadcast = view.type(found.slope).shape.length <= view.type(x).shape.length;
    if (!isBroadcast || typeText(view.type(x)) !== typeText(view.type(node.outputs[0]!))) continue;
    return replaceBy(view, node, (p) => p.node("PRelu", [x, found.slope], {}, { name: node.name }));
  }
  return null;
});

/** max(x, a x), 0 <= a <= 1. */
const asLeakyRelu = rule("as-leaky-relu", ["Max"], (node, view) => {
  if (node.inputs.length !== 2) return null;
  for (const [x, scaled] of operandPairs(node)) {
    const found = multiplesOf(view, scaled).find(({ value }) => value === x && scaled !== x);
    if (found === undefined || found.number < 0 || found.number > 1) continue;
    return replaceBy(view, node, (p) => p.node("LeakyRelu", [x], { alpha: found.number }, { name: node.name }));
  }
  return null;
});

export const liftActivations = definePass({
  name: "lift-activations",
  summary:
    "Writes activations that are spelled out in arithmetic as the operator: GELU, PReLU, leaky ReLU, Mish, softplus, softsign.",
  details:
    "GELU is known by erf and by tanh, whatever the order and grouping of its factors. Swish (SiLU, x sigmoid(x)) and quick GELU (x sigmoid(1.702 x)) have no ONNX operator: they stay two or three nodes. Bounds, hard-sigmoid and hard-swish are written by fuse-activation-clip. Outputs agree to float rounding; where the arithmetic would overflow (softplus of large numbers), the operator does not.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 4]
  const %"root" = float32[] {1.4142135381698608}
  %"a": float32[N, 4] = Div(%"x", %"root") @"div"
  %"e": float32[N, 4] = Erf(%"a") @"erf"
  const %"one" = float32[] {1}
  %"s": float32[N, 4] = Add(%"e", %"one") @"add"
  %"m": float32[N, 4] = Mul(%"x", %"s") @"mul"
  const %"half" = float32[] {0.5}
  %"g": float32[N, 4] = Mul(%"m", %"half") @"gelu"
  %"n": float32[N, 4] = Neg(%"g") @"neg"
  %"r": float32[N, 4] = Relu(%"n") @"relu"
  %"l": float32[N, 4] = Neg(%"r") @"neg2"
  const %"slope" = float32[4] {0.5, 0.25, 2, 1}
  %"b": float32[N, 4] = Mul(%"slope", %"l") @"scale"
  %"p": float32[N, 4] = Relu(%"g") @"positive"
  %"y": float32[N, 4] = Add(%"p", %"b") @"prelu"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 4]
  %"g": float32[N, 4] = Gelu(%"x") @"gelu"
  const %"slope" = float32[4] {0.5, 0.25, 2, 1}
  %"y": float32[N, 4] = PRelu(%"g", %"slope") @"prelu"
  return %"y"
}
`,
  },
  rules: [asGelu, asMish, asSoftplus, asSoftsign, asPRelu, asLeakyRelu],
});
