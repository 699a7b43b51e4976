import { evaluate, FOLDABLE } from "../fold/index.ts";
import { definePass, PatchBuilder, rule } from "../rewrite/index.ts";

const allConstant = rule("constant-operands", FOLDABLE, (node, view) => {
  if (node.inputs.some((id) => id !== null && view.constant(id) === null)) return null;
  const facts = node.inputs.map((id) => (id === null ? null : view.value(id)));
  const values = evaluate(
    node.op,
    node.attrs,
    facts,
    node.outputs.map((id) => view.type(id)),
  );
  if (values === null) return null;
  const patch = new PatchBuilder(view);
  for (const [i, id] of node.outputs.entries()) {
    const value = values[i];
    if (value === null || value === undefined) return null;
    patch.replace(id, patch.constant(view.value(id).name, value));
  }
  return patch.done();
});

export const foldConstants = definePass({
  name: "fold-constants",
  summary: "Replaces nodes that only move, cast or combine constants by their value.",
  details:
    "Only operators whose result is the same on every machine are computed: element movement, casts, and arithmetic that rounds once. Values above 64 KiB are folded only up to 4 times the size of their operands. Integers that would overflow, and divisions by zero, are left to the runtime; so are quantised weights, which keep their DequantizeLinear.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 4]
  const %"half" = float16[2] {1.5, 2}
  %"w": float32[2] = Cast(%"half") {to=1} @"cast"
  const %"to" = int64[2] {2, 1}
  %"w2": float32[2, 1] = Reshape(%"w", %"to") @"reshape"
  %"w3": float32[2, 1] = Mul(%"w2", %"w2") @"square"
  const %"flat" = int64[1] {-1}
  %"w4": float32[2] = Reshape(%"w3", %"flat") @"flatten"
  %"w5": float32[4] = Concat(%"w4", %"w4") {axis=0} @"twice"
  %"y": float32[N, 4] = Mul(%"x", %"w5") @"scale"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 4]
  const %"w5" = float32[4] {2.25, 4, 2.25, 4}
  %"y": float32[N, 4] = Mul(%"x", %"w5") @"scale"
  return %"y"
}
`,
  },
  rules: [allConstant],
});
