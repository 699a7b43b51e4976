import type { LayoutRule, NodeFacts } from "./rule.ts";
import { alongAxis, argument, cumulative, gather, pad, reduction, slice, tile } from "./rules-axis.ts";
import { elementwise, expand, quantization } from "./rules-elementwise.ts";
import { reshaping } from "./rules-reshape.ts";

/** Operators that need more than the rule of elementwise ones. Those that are in neither work in the layout that they were given. */
const table: Readonly<Record<string, (facts: NodeFacts) => LayoutRule | null>> = {
  QuantizeLinear: quantization,
  DequantizeLinear: quantization,
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  Hardmax: alongAxis,
  LpNormalization: alongAxis,
  TopK: alongAxis,
  Split: alongAxis,
  Concat: (facts) => alongAxis(facts, () => true),
  CumSum: cumulative,
  Slice: slice,
  Pad: pad,
  Tile: tile,
  Expand: expand,
  ArgMax: argument,
  ArgMin: argument,
  Gather: gather,
  Reshape: reshaping,
  Flatten: reshaping,
  Squeeze: reshaping,
  Unsqueeze: reshaping,
};

/** How a node may work on permuted operands; null when it may not. */
export function layoutRuleOf(facts: NodeFacts): LayoutRule | null {
  const { op } = facts.node;
  if (Object.hasOwn(table, op)) return table[op]!(facts);
  return op.startsWith("Reduce") ? reduction(facts) : elementwise(facts);
}
