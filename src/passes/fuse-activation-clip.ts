import type { Node, ValueId } from "../ir/index.ts";
import { completeAttributes, OPS } from "../ops/index.ts";
import { definePass, type GraphView, type Patch, replaceBy, rule } from "../rewrite/index.ts";
import { DTYPES, scalar } from "../tensor/index.ts";
import { besideNumber, constantNumber } from "./expression.ts";

/** max(low, min(high, x)). */
interface Bounded {
  readonly x: ValueId;
  readonly low: number;
  readonly high: number;
}

const infinity = Number.POSITIVE_INFINITY;

/** A node that bounds its input, seen as a Clip. */
function boundedBy(view: GraphView, node: Node | null): Bounded | null {
  if (node === null || !DTYPES[view.type(node.outputs[0]!).dtype].float) return null;
  if (node.op === "Relu") return { x: node.inputs[0]!, low: 0, high: infinity };
  if (node.op === "Clip") {
    const [low, high] = [node.inputs[1] ?? null, node.inputs[2] ?? null];
    const bounds = [
      low === null ? -infinity : constantNumber(view, low),
      high === null ? infinity : constantNumber(view, high),
    ];
    return bounds[0] === null || bounds[1] === null ? null : { x: node.inputs[0]!, low: bounds[0]!, high: bounds[1]! };
  }
  if (node.op !== "Min" && node.op !== "Max") return null;
  const operands = besideNumber(view, node);
  if (operands === null) return null;
  const { x, number } = operands;
  return node.op === "Max" ? { x, low: number, high: infinity } : { x, low: -infinity, high: number };
}

function written(view: GraphView, node: Node, { x, low, high }: Bounded): Patch | null {
  if (Number.isNaN(low) || Number.isNaN(high) || low > high) return null;
  const { dtype } = view.type(x);
  return replaceBy(view, node, (p) => {
    if (low === 0 && high === infinity) return p.node("Relu", [x], {}, { name: node.name });
    const least = low === -infinity ? null : p.constant(`${node.name}.min`, scalar(dtype, low));
    const most = high === infinity ? [] : [p.constant(`${node.name}.max`, scalar(dtype, high))];
    return p.node("Clip", [x, least, ...most], {}, { name: node.name });
  });
}

const asClip = rule("min-max-as-clip", ["Min", "Max"], (node, view) => {
  const bounded = boundedBy(view, node);
  return bounded === null ? null : written(view, node, bounded);
});

const clipAsRelu = rule("clip-as-relu", ["Clip"], (node, view) => {
  const bounded = boundedBy(view, node);
  return bounded?.low === 0 && bounded.high === infinity ? written(view, node, bounded) : null;
});

const clipOfClip = rule("clip-of-clip", ["Clip", "Relu"], (node, view) => {
  const outer = boundedBy(view, node);
  const inner = outer === null ? null : boundedBy(view, view.producer(outer.x));
  if (outer === null || inner === null || outer.low > outer.high || inner.low > inner.high) return null;
  // clip(clip(x, a, b), c, d): the inner bounds, themselves clipped to the outer ones.
  const within = (v: number) => Math.min(Math.max(v, outer.low), outer.high);
  return written(view, node, { x: inner.x, low: within(inner.low), high: within(inner.high) });
});

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-6;

/** Whether a node computes clip(x + 3, 0, 6); answers with x. */
function relu6Of3(view: GraphView, node: Node | null): ValueId | null {
  const clip = node?.op === "Clip" ? boundedBy(view, node) : null;
  const add = clip === null || clip.low !== 0 || clip.high !== 6 ? null : view.producer(clip.x);
  const sum = add?.op === "Add" ? besideNumber(view, add) : null;
  return sum !== null && sum.number === 3 ? sum.x : null;
}

/** What a division by 6, or a multiplication by 1/6, divides; null for other nodes. */
function sixthOf(view: GraphView, node: Node): ValueId | null {
  if (node.op === "Div")
    return constantNumber(view, node.inputs[1]) === 6 && besideNumber(view, node)?.x === node.inputs[0]
      ? node.inputs[0]!
      : null;
  const operands = besideNumber(view, node);
  return operands !== null && close(operands.number, 1 / 6) ? operands.x : null;
}

const asHardSigmoid = rule("as-hard-sigmoid", ["Div", "Mul"], (node, view) => {
  const x = relu6Of3(view, view.producer(sixthOf(view, node)));
  if (x === null) return null;
  return replaceBy(view, node, (p) => p.node("HardSigmoid", [x], { alpha: 1 / 6, beta: 0.5 }, { name: node.name }));
});

/** Whether a node gates x: x times hard-sigmoid(x), or x times clip(x + 3, 0, 6) when a sixth is still to be taken. */
function gated(view: GraphView, node: Node | null, isGate: (gate: Node, x: ValueId) => boolean): ValueId | null {
  if (node?.op !== "Mul") return null;
  for (const [x, other] of [
    [node.inputs[0]!, node.inputs[1]!],
    [node.inputs[1]!, node.inputs[0]!],
  ] as const) {
    const gate = view.producer(other);
    if (gate !== null && isGate(gate, x)) return x;
  }
  return null;
}

function isHardSigmoid(gate: Node, x: ValueId): boolean {
  if (gate.op !== "HardSigmoid" || gate.inputs[0] !== x) return false;
  const { alpha, beta } = completeAttributes("HardSigmoid", OPS.HardSigmoid.attrs, gate.attrs);
  return close(alpha, 1 / 6) && close(beta, 0.5);
}

const asHardSwish = rule("as-hard-swish", ["Mul", "Div"], (node, view) => {
  const product = sixthOf(view, node);
  const x =
    gated(view, node, isHardSigmoid) ??
    gated(view, view.producer(product), (gate, input) => relu6Of3(view, gate) === input);
  return x === null ? null : replaceBy(view, node, (p) => p.node("HardSwish", [x], {}, { name: node.name }));
});

export const fuseActivationClip = definePass({
  name: "fuse-activation-clip",
  summary: "Writes bounds as one Clip (or Relu), and the pieces of hard-sigmoid and hard-swish as the operator.",
  details: "Outputs agree to float rounding: a sixth is multiplied where it was divided.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 4]
  %"r": float32[N, 4] = Relu(%"x") @"relu"
  const %"six" = float32[] {6}
  %"m": float32[N, 4] = Min(%"r", %"six") @"min"
  const %"three" = float32[] {3}
  %"a": float32[N, 4] = Add(%"m", %"three") @"add"
  const %"zero" = float32[] {0}
  %"c": float32[N, 4] = Clip(%"a", %"zero", %"six") @"clip"
  %"s": float32[N, 4] = Mul(%"m", %"c") @"mul"
  %"y": float32[N, 4] = Div(%"s", %"six") @"div"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 4]
  const %"min.min" = float32[] {0}
  const %"min.max" = float32[] {6}
  %"m": float32[N, 4] = Clip(%"x", %"min.min", %"min.max") @"min"
  %"y": float32[N, 4] = HardSwish(%"m") @"div"
  return %"y"
}
`,
  },
  rules: [asClip, clipAsRelu, clipOfClip, asHardSigmoid, asHardSwish],
});
