import { reducedAxes } from "../ops/index.ts";
import { definePass, replaceBy, rule } from "../rewrite/index.ts";
import { DTYPES } from "../tensor/index.ts";

const asGlobalPool = rule("mean-as-global-pool", ["ReduceMean"], (node, view) => {
  const context = view.context(node) as unknown as Parameters<typeof reducedAxes>[0];
  const { dtype, shape } = view.type(node.inputs[0]!);
  const axes = reducedAxes(context);
  const isSpatial = shape.length >= 3 && axes.length === shape.length - 2 && axes.every((axis, i) => axis === i + 2);
  if (!isSpatial || context.attrs.keepdims !== 1 || !DTYPES[dtype].float) return null;
  return replaceBy(view, node, (p) => p.node("GlobalAveragePool", [node.inputs[0]!], {}, { name: node.name }));
});

export const liftGlobalPool = definePass({
  name: "lift-global-pool",
  summary: "Writes the mean over all spatial axes as GlobalAveragePool.",
  details:
    "Where the axes are kept; a mean that drops them stays. Run cancel-transposes first, which brings the axes of channels-last models to their places. Outputs agree to float rounding.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 2, 4, 4]
  const %"axes" = int64[2] {2, 3}
  %"y": float32[N, 2, 1, 1] = ReduceMean(%"x", %"axes") @"mean"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 2, 4, 4]
  %"y": float32[N, 2, 1, 1] = GlobalAveragePool(%"x") @"mean"
  return %"y"
}
`,
  },
  rules: [asGlobalPool],
});
