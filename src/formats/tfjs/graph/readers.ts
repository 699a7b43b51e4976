import type { OpReaders } from "./context.ts";
import { CONTRACTION } from "./contraction.ts";
import { GENERATION } from "./generation.ts";
import { MOVEMENT } from "./movement.ts";
import { POINTWISE } from "./pointwise.ts";
import { REDUCTION } from "./reduction.ts";

/** Readers of operators by name. */
export const GRAPH_READERS: OpReaders = { ...CONTRACTION, ...GENERATION, ...MOVEMENT, ...POINTWISE, ...REDUCTION };

/** Operators whose outputs are their inputs: TensorFlow.js computes nothing in them either (graph_executor). */
export const PASS_THROUGH: readonly string[] = [
  "Assert",
  "EnsureShape",
  "FakeQuantWithMinMaxVars",
  "Identity",
  "IdentityN",
  "NoOp",
  "PlaceholderWithDefault",
  "PreventGradient",
  "Print",
  "Snapshot",
  "StopGradient",
];

/** Operators that the graph reader handles itself. */
const structural: readonly string[] = ["Const", "Merge", "Placeholder", "PlaceholderV2", "Switch"];

/** Every operator of a GraphModel that is read, sorted. */
export const GRAPH_OPERATORS: readonly string[] = [
  ...Object.keys(GRAPH_READERS),
  ...PASS_THROUGH,
  ...structural,
].sort();

export function isRead(op: string): boolean {
  return GRAPH_OPERATORS.includes(op);
}
