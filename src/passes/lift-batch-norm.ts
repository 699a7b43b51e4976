import type { Node, ValueId } from "../ir/index.ts";
import { definePass, type GraphView, replaceBy, rule } from "../rewrite/index.ts";
import { fromNumbers } from "../tensor/index.ts";
import { operandPairs } from "./expression.ts";
import { perChannel } from "./fold-channel-affine.ts";

interface Step {
  readonly op: string;
  readonly x: ValueId;
  readonly values: Float64Array;
}

/** The node as an operation of a constant, one number a channel, on x; null when it is another. */
function step(view: GraphView, id: ValueId, ops: readonly string[]): Step | null {
  const node = view.producer(id);
  if (node === null || !ops.includes(node.op)) return null;
  for (const [x, other] of node.op === "Add" || node.op === "Mul"
    ? operandPairs(node)
    : operandPairs(node).slice(0, 1)) {
    const constant = view.constant(other);
    const { shape } = view.type(x);
    const channels = shape[1];
    // The count first: spreading one number over the channels that a file claims would take their memory.
    if (constant === null || view.constant(x) !== null || constant.data.length !== channels) continue;
    const values = view.type(id).shape.length === shape.length ? perChannel(constant, shape.length, channels) : null;
    if (values !== null) return { op: node.op, x, values };
  }
  return null;
}

interface Parameters {
  readonly x: ValueId;
  readonly scale: Float64Array;
  readonly bias: Float64Array;
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** (x - mean) / deviation * scale + bias, the middle two in either order, each a constant a channel and each step read by the next alone. */
function spelled(view: GraphView, node: Node): Parameters | null {
  const before = (next: Step | null, ops: readonly string[]) =>
    next === null || !view.isPrivate(next.x) ? null : step(view, next.x, ops);
  const add = step(view, node.outputs[0]!, ["Add"]);
  const outer = before(add, ["Mul", "Div"]);
  const inner = before(outer, ["Mul", "Div"]);
  const sub = before(inner, ["Sub", "Add"]);
  if (add === null || outer === null || inner === null || sub === null) return null;
  const [div, mul] = outer.op === "Div" ? [outer, inner] : [inner, outer];
  if (mul.op === "Div") return null;
  const deviation = div.op === "Div" ? div.values : div.values.map((value) => 1 / value);
  if (!deviation.every((value) => value > 0 && Number.isFinite(value))) return null;
  const mean = sub.op === "Sub" ? sub.values : sub.values.map((value) => -value);
  return { x: sub.x, scale: mul.values, bias: add.values, mean, deviation };
}

const asBatchNorm = rule("as-batch-norm", ["Add"], (node, view) => {
  const found = spelled(view, node);
  if (found === null) return null;
  const { dtype } = view.type(found.x);
  const tensorOf = (values: Float64Array) => fromNumbers(dtype, [values.length], values);
  return replaceBy(view, node, (p) =>
    p.node(
      "BatchNormalization",
      [
        found.x,
        p.constant(`${node.name}.scale`, tensorOf(found.scale)),
        p.constant(`${node.name}.bias`, tensorOf(found.bias)),
        p.constant(`${node.name}.mean`, tensorOf(found.mean)),
        p.constant(`${node.name}.var`, tensorOf(found.deviation.map((value) => value * value))),
      ],
      { epsilon: 0 },
      { name: node.name },
    ),
  );
});

export const liftBatchNorm = definePass({
  name: "lift-batch-norm",
  summary:
    "Writes batch normalisation that is spelled out as subtraction, division, multiplication and addition as BatchNormalization.",
  details:
    "Each of the four a constant per channel (axis 1), the deviation positive; a division may be a multiplication by its inverse. A single multiplication and addition keep no mean and variance, which training needs: such a pair goes into the convolution before it (fold-channel-affine) or stays as it is. Outputs agree to float rounding.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 2, 4, 4]
  const %"mean" = float32[2, 1, 1] {1, 2}
  %"c": float32[N, 2, 4, 4] = Sub(%"x", %"mean") @"centre"
  const %"deviation" = float32[2, 1, 1] {2, 3}
  %"n": float32[N, 2, 4, 4] = Div(%"c", %"deviation") @"div"
  const %"gain" = float32[2, 1, 1] {1, 4}
  %"s": float32[N, 2, 4, 4] = Mul(%"gain", %"n") @"scale"
  const %"shift" = float32[2, 1, 1] {0.5, 0}
  %"y": float32[N, 2, 4, 4] = Add(%"s", %"shift") @"norm"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 2, 4, 4]
  const %"norm.scale" = float32[2] {1, 4}
  const %"norm.bias" = float32[2] {0.5, 0}
  const %"norm.mean" = float32[2] {1, 2}
  const %"norm.var" = float32[2] {4, 9}
  %"y": float32[N, 2, 4, 4] = BatchNormalization(%"x", %"norm.scale", %"norm.bias", %"norm.mean", %"norm.var") {epsilon=0} @"norm"
  return %"y"
}
`,
  },
  rules: [asBatchNorm],
});
