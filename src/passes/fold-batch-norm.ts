import type { Node } from "../ir/index.ts";
import { completeAttributes, OPS } from "../ops/index.ts";
import { definePass, type GraphView, PatchBuilder, rule } from "../rewrite/index.ts";
import { toNumbers } from "../tensor/index.ts";
import { absorbAfter, absorbBefore, type ChannelAffine, isLinear } from "./channel-affine.ts";

/** The batch normalisation as y = a x + b with a = scale / sqrt(var + epsilon), b = bias - mean a; null when a parameter is computed. */
export function batchNormAffine(view: GraphView, node: Node): ChannelAffine | null {
  const parameters = node.inputs.slice(1, 5).map((id) => view.constant(id));
  const [scale, bias, mean, variance] = parameters.map((t) => (t === null ? null : toNumbers(t)));
  if (!scale || !bias || !mean || !variance) return null;
  const { epsilon } = completeAttributes("BatchNormalization", OPS.BatchNormalization.attrs, node.attrs);
  const a = scale.map((value, c) => value / Math.sqrt(variance[c]! + epsilon));
  return { scale: a, shift: bias.map((value, c) => value - mean[c]! * a[c]!) };
}

const intoProducer = rule("batch-norm-into-producer", ["BatchNormalization"], (node, view) => {
  const linear = view.producer(node.inputs[0]);
  const affine = batchNormAffine(view, node);
  if (affine === null || !isLinear(view, linear) || !view.isPrivate(linear.outputs[0]!)) return null;
  const patch = new PatchBuilder(view);
  const folded = absorbAfter(view, patch, linear, affine);
  return folded === null ? null : patch.replace(node.outputs[0]!, folded).done();
});

const intoConsumer = rule("batch-norm-into-consumer", ["Conv", "Gemm", "MatMul"], (node, view) => {
  const norm = view.producer(node.inputs[0]);
  if (norm?.op !== "BatchNormalization" || !isLinear(view, node) || !view.isPrivate(norm.outputs[0]!)) return null;
  const affine = batchNormAffine(view, norm);
  if (affine === null) return null;
  const patch = new PatchBuilder(view);
  const folded = absorbBefore(view, patch, node, affine, norm.inputs[0]!);
  return folded === null ? null : patch.replace(node.outputs[0]!, folded).done();
});

export const foldBatchNorm = definePass({
  name: "fold-batch-norm",
  summary:
    "Folds inference batch normalisation into the weights and bias of the convolution or matrix product before or after it.",
  details:
    "Outputs agree to float rounding (the new weights are computed in double precision and rounded once). The normalisation stays where its input has other readers, where a parameter is computed, and before a padded convolution, whose zeros it would have to move.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 1, 2, 2]
  const %"w" = float32[2, 1, 1, 1] {1, 2}
  %"c": float32[N, 2, 2, 2] = Conv(%"x", %"w") @"conv"
  const %"scale" = float32[2] {1, 3}
  const %"shift" = float32[2] {0.5, 0}
  const %"mean" = float32[2] {1, 2}
  const %"var" = float32[2] {4, 9}
  %"y": float32[N, 2, 2, 2] = BatchNormalization(%"c", %"scale", %"shift", %"mean", %"var") {epsilon=0} @"bn"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 1, 2, 2]
  const %"w" = float32[2, 1, 1, 1] {0.5, 2}
  const %"conv.bias" = float32[2] {0, -2}
  %"y": float32[N, 2, 2, 2] = Conv(%"x", %"w", %"conv.bias") @"conv"
  return %"y"
}
`,
  },
  rules: [intoProducer, intoConsumer],
});
