import type { Node, ValueId } from "../ir/index.ts";
import { definePass, type GraphView, PatchBuilder, rule } from "../rewrite/index.ts";
import { type Tensor, toNumbers } from "../tensor/index.ts";
import { absorbAfter, type ChannelAffine, isLinear } from "./channel-affine.ts";

/** A file may claim any size; no layer has as many channels as this. */
const mostChannels = 2 ** 20;

/** The constant as one number a channel (axis 1 of a tensor of that rank), or null when it varies along another axis. */
export function perChannel(constant: Tensor, rank: number, channels: number): Float64Array | null {
  if (constant.shape.length > rank) return null;
  if (constant.data.length === 1 && channels > mostChannels) return null;
  const values = toNumbers(constant);
  if (values.length === 1) return new Float64Array(channels).fill(values[0]!);
  const axis = constant.shape.length - (rank - 1);
  return values.length === channels && constant.shape[axis] === channels ? values : null;
}

/** What the node does to its computed operand, channel by channel. */
function affineOf(op: string, constant: Float64Array, constantFirst: boolean): ChannelAffine | null {
  const ones = constant.map(() => 1);
  const zeros = constant.map(() => 0);
  switch (op) {
    case "Add":
      return { scale: ones, shift: constant };
    case "Sub":
      return constantFirst
        ? { scale: constant.map(() => -1), shift: constant }
        : { scale: ones, shift: constant.map((v) => -v) };
    case "Mul":
      return { scale: constant, shift: zeros };
    default:
      return constantFirst ? null : { scale: constant.map((v) => 1 / v), shift: zeros };
  }
}

function split(view: GraphView, node: Node): { constant: Tensor; computed: ValueId; constantFirst: boolean } | null {
  const [a, b] = [node.inputs[0]!, node.inputs[1]!];
  const left = view.constant(a);
  const right = view.constant(b);
  if (right !== null && left === null) return { constant: right, computed: a, constantFirst: false };
  return left !== null && right === null ? { constant: left, computed: b, constantFirst: true } : null;
}

const intoProducer = rule("channel-affine-into-producer", ["Add", "Sub", "Mul", "Div"], (node, view) => {
  const operands = split(view, node);
  const linear = view.producer(operands?.computed);
  if (operands === null || !isLinear(view, linear) || !view.isPrivate(operands.computed)) return null;
  const { shape } = view.type(operands.computed);
  const channels = shape[1];
  if (typeof channels !== "number" || shape.length !== view.type(node.outputs[0]!).shape.length) return null;
  const constant = perChannel(operands.constant, shape.length, channels);
  const affine = constant === null ? null : affineOf(node.op, constant, operands.constantFirst);
  if (affine === null) return null;
  const patch = new PatchBuilder(view);
  const folded = absorbAfter(view, patch, linear, affine);
  return folded === null ? null : patch.replace(node.outputs[0]!, folded).done();
});

export const foldChannelAffine = definePass({
  name: "fold-channel-affine",
  summary:
    "Folds the addition or multiplication of a constant per channel into the convolution or matrix product before it.",
  details:
    "Many exporters write a bias as an Add of shape [C, 1, 1]. A matrix product of rank 2 becomes Gemm. Outputs agree to float rounding.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 2]
  const %"w" = float32[2, 2] {1, 2, 3, 4}
  %"m": float32[N, 2] = MatMul(%"x", %"w") @"dense"
  const %"b" = float32[2] {0.5, -1}
  %"y": float32[N, 2] = Add(%"m", %"b") @"bias"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 2]
  const %"w" = float32[2, 2] {1, 2, 3, 4}
  const %"dense.bias" = float32[2] {0.5, -1}
  %"y": float32[N, 2] = Gemm(%"x", %"w", %"dense.bias") @"dense"
  return %"y"
}
`,
  },
  rules: [intoProducer],
});
