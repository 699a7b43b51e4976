import { definePass, replaceBy, rule } from "../rewrite/index.ts";
import { fromNumbers } from "../tensor/index.ts";
import { batchNormAffine } from "./fold-batch-norm.ts";

const asMulAdd = rule("batch-norm-as-mul-add", ["BatchNormalization"], (node, view) => {
  const affine = batchNormAffine(view, node);
  if (affine === null) return null;
  const { dtype, shape } = view.type(node.inputs[0]!);
  const perChannel = [affine.scale.length, ...shape.slice(2).map(() => 1)];
  return replaceBy(view, node, (p) => {
    const scale = p.constant(`${node.name}.scale`, fromNumbers(dtype, perChannel, affine.scale));
    const shift = p.constant(`${node.name}.shift`, fromNumbers(dtype, perChannel, affine.shift));
    const product = p.node("Mul", [node.inputs[0]!, scale], {}, { name: `${node.name}.mul` });
    return p.node("Add", [product, shift], {}, { name: node.name });
  });
});

export const lowerBatchNorm = definePass({
  name: "lower-batch-norm",
  summary: "Writes the batch normalisation that no weights could take as a multiplication and an addition per channel.",
  details:
    "For formats without the operator, such as TFLite. Run fold-batch-norm first. Outputs agree to float rounding.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 2, 2, 2]
  const %"scale" = float32[2] {1, 3}
  const %"shift" = float32[2] {0.5, 0}
  const %"mean" = float32[2] {1, 2}
  const %"var" = float32[2] {4, 9}
  %"y": float32[N, 2, 2, 2] = BatchNormalization(%"x", %"scale", %"shift", %"mean", %"var") {epsilon=0} @"bn"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 2, 2, 2]
  const %"bn.scale" = float32[2, 1, 1] {0.5, 1}
  %"bn.mul": float32[N, 2, 2, 2] = Mul(%"x", %"bn.scale") @"bn.mul"
  const %"bn.shift" = float32[2, 1, 1] {0, -2}
  %"y": float32[N, 2, 2, 2] = Add(%"bn.mul", %"bn.shift") @"bn"
  return %"y"
}
`,
  },
  rules: [asMulAdd],
});
