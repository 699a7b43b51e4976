import type { Node } from "../ir/index.ts";
import { definePass, type GraphView, PatchBuilder, rule } from "../rewrite/index.ts";
import { DTYPES, sizeOf, type Tensor } from "../tensor/index.ts";
import { ARITHMETIC, computeArithmetic } from "./constant-arithmetic.ts";
import { computeMovement, MOVEMENT } from "./constant-movement.ts";

/**
 * A folded value may be this many bytes whatever it comes from: shapes, masks, position tables. Above it a value may be
 * at most `growth` times its operands, which admits a widening cast of weights (int8 to float32 is 4) and
 * keeps an Expand from turning one number into a model's worth of file.
 */
const freeBytes = 64 * 1024;
const growth = 4;

function bytesOfAll(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, t) => sum + t.data.byteLength, 0);
}

function isAffordable(node: Node, view: GraphView, operands: readonly Tensor[]): boolean {
  const bytes = node.outputs.reduce((sum, id) => {
    const { dtype, shape } = view.type(id);
    return sum + DTYPES[dtype].bytes * sizeOf(shape as readonly number[]);
  }, 0);
  return bytes <= Math.max(freeBytes, growth * bytesOfAll(operands));
}

const allConstant = rule("constant-operands", [...ARITHMETIC, ...MOVEMENT], (node, view) => {
  const operands: Tensor[] = [];
  for (const id of node.inputs) {
    if (id === null) continue;
    const data = view.constant(id);
    if (data === null) return null;
    operands.push(data);
  }
  if (operands.length === 0 || !isAffordable(node, view, operands)) return null;
  const types = node.outputs.map((id) => view.type(id));
  const values = MOVEMENT.includes(node.op)
    ? computeMovement(
        node.op,
        view.context(node),
        operands,
        types.map((type) => type.shape as readonly number[]),
      )
    : [computeArithmetic(node.op, node.attrs, operands, types[0]!)];
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
