import type { Graph } from "../ir/index.ts";
import { definePass } from "../rewrite/index.ts";
import { chooseLabels } from "./layout/choose.ts";
import { type Cost, layoutProblem, rootCost, standingCost } from "./layout/problem.ts";
import { rebuild } from "./layout/rebuild.ts";

/** Whether one graph's transposes cost less than another's, and are no more. */
function isBetter(next: Cost, present: Cost): boolean {
  return next.total < present.total && next.transposes <= present.transposes;
}

function withFewerTransposes(graph: Graph): Graph {
  let current = graph;
  for (let standing = standingCost(graph); standing.total > 0; ) {
    const problem = layoutProblem(current);
    const labels = chooseLabels(problem);
    const costs = problem.roots.map((root) => rootCost(problem, root, labels));
    const planned = {
      transposes: costs.reduce((sum, cost) => sum + cost.transposes, 0),
      total: costs.reduce((sum, cost) => sum + cost.total, 0),
    };
    if (!isBetter(planned, standing)) break;
    const next = rebuild(problem, labels);
    const cost = standingCost(next);
    // Each round must pay, or the next would be the same again.
    if (!isBetter(cost, standing)) break;
    current = next;
    standing = cost;
  }
  return current;
}

export const cancelTransposes = definePass({
  name: "cancel-transposes",
  summary: "Moves transposes through the operators between them to where they cancel.",
  details: `Each operator that can work in any order of axes (elementwise operators, quantisation, concatenation, splits, slices, pads, reductions, softmax, reshapes that keep axes apart, and so on) is given the order that needs the fewest and smallest transposes, chosen by a minimum cut; constants are permuted once and for all. The rows of a weight follow a flattening in front of it. A Transpose that moves only axes of size 1 becomes a Reshape. The number of transposes never rises, and neither does that of the elements that they move. Outputs are equal bit for bit, but for sums of reductions and matrix products, whose order may change.`,
  example: {
    before: `graph "g" {
  input %"x": float32[N, 1, 4, 4]
  const %"w" = float32[2, 1, 1, 1] {1, 2}
  %"c": float32[N, 2, 4, 4] = Conv(%"x", %"w") @"conv"
  %"a": float32[N, 4, 4, 2] = Transpose(%"c") {perm=[0, 2, 3, 1]} @"to-nhwc"
  const %"slope" = float32[1, 1, 2] {0.25, 0.5}
  %"p": float32[N, 4, 4, 2] = PRelu(%"a", %"slope") @"prelu"
  const %"axes" = int64[2] {1, 2}
  %"y": float32[N, 2] = ReduceMean(%"p", %"axes") {keepdims=0} @"mean"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 1, 4, 4]
  const %"w" = float32[2, 1, 1, 1] {1, 2}
  %"c": float32[N, 2, 4, 4] = Conv(%"x", %"w") @"conv"
  const %"slope" = float32[2, 1, 1] {0.25, 0.5}
  %"p": float32[N, 2, 4, 4] = PRelu(%"c", %"slope") @"prelu"
  const %"mean.axes" = int64[2] {2, 3}
  %"y": float32[N, 2] = ReduceMean(%"p", %"mean.axes") {keepdims=0} @"mean"
  return %"y"
}
`,
  },
  transform: withFewerTransposes,
});
