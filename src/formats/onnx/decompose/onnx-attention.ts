import type { ValueId } from "../../../ir/index.ts";
import type { Decompose, FileNode } from "../file-node.ts";
import { causalBias, type Heads, joinHeads, scores, splitHeads } from "./attention-core.ts";

/** Each head of keys or values as often as there are heads of queries for it (grouped queries). */
function repeated(node: FileNode, x: ValueId, times: number): ValueId {
  if (times === 1) return x;
  const heads = node.size(x, 1);
  const wide = node.node("Unsqueeze", [x, node.ints("axes", [2])]);
  const expanded = node.node("Expand", [wide, node.ints("times", [1, 1, times, 1, 1])]);
  const tail = [node.size(x, 2), node.size(x, 3)];
  return node.node("Reshape", [expanded, node.ints("repeated", [0, heads * times, ...tail])]);
}

/** Queries, keys and values by head, the past in front of the keys and values. */
function headsOf(node: FileNode): Heads & { readonly pastKeys: number } {
  const byHead = (i: number, name: string): ValueId => {
    const x = node.input(i);
    return node.shape(x).length === 4 ? x : splitHeads(node, x, node.number(name, 0));
  };
  const past = (i: number, now: ValueId, output: number): ValueId => {
    const before = node.optional(i);
    if (before !== null && node.uses(output)) return node.result("Concat", [before, now], { axis: 2 }, output);
    if (before !== null) return node.node("Concat", [before, now], { axis: 2 });
    return node.uses(output) ? node.result("Identity", [now], {}, output) : now;
  };
  const pastKeys = node.optional(4) === null ? 0 : node.size(node.input(4), 2);
  return {
    q: byHead(0, "q_num_heads"),
    k: past(4, byHead(1, "kv_num_heads"), 1),
    v: past(5, byHead(2, "kv_num_heads"), 2),
    pastKeys,
  };
}

/** The mask as what is added to the scores: true is 0, false minus infinity. */
function maskAsBias(node: FileNode, mask: ValueId, like: ValueId): ValueId {
  const { dtype } = node.type(like);
  if (node.type(mask).dtype !== "bool") return mask;
  const zero = node.scalar("seen", 0, dtype);
  return node.node("Where", [mask, zero, node.scalar("hidden", Number.NEGATIVE_INFINITY, dtype)]);
}

/** What is added to the scores: the mask, and minus infinity where a query may not look; null when neither is asked for. */
function biasOf(node: FileNode, heads: Heads, pastKeys: number): ValueId | null {
  const mask = node.optional(3);
  const own = mask === null ? null : maskAsBias(node, mask, heads.q);
  if (node.number("is_causal", 0) !== 1) return own;
  const sizes = { queries: node.size(heads.q, 2), keys: node.size(heads.k, 2), offset: pastKeys };
  const causal = causalBias(node, heads.q, sizes, Number.NEGATIVE_INFINITY);
  return own === null ? causal : node.node("Add", [own, causal]);
}

/** cap * tanh(scores / cap), which keeps scores below the cap. */
function capped(node: FileNode, raw: ValueId): ValueId {
  const cap = node.number("softcap", 0);
  if (cap === 0) return raw;
  const limit = node.scalar("cap", cap, node.type(raw).dtype);
  return node.node("Mul", [node.node("Tanh", [node.node("Div", [raw, limit])]), limit]);
}

/** Softmax over the keys, in which a row that may look nowhere is zero and not undefined. */
function weights(node: FileNode, sum: ValueId, bias: ValueId | null): ValueId {
  const softmax = node.node("Softmax", [sum], { axis: -1 });
  // Causality alone hides no row whole: each query sees its own position.
  if (bias === null || node.optional(3) === null) return softmax;
  const { dtype } = node.type(sum);
  const best = node.node("ReduceMax", [bias, node.ints("keys", [-1])], { keepdims: 1 });
  const hidden = node.node("Equal", [best, node.scalar("nowhere", Number.NEGATIVE_INFINITY, dtype)]);
  return node.node("Where", [hidden, node.scalar("zero", 0, dtype), softmax]);
}

/** The scores in the order of ONNX Attention-23: raw, capped, with bias, as weights; output 3 may ask for each. */
function stages(node: FileNode, heads: Heads, pastKeys: number): ValueId[] {
  const scale = node.number("scale", 0);
  const raw = scores(node, heads, scale === 0 ? 1 / Math.sqrt(node.size(heads.q, 3)) : scale);
  const limited = capped(node, raw);
  const bias = biasOf(node, heads, pastKeys);
  const sum = bias === null ? limited : node.node("Add", [limited, bias]);
  return [raw, limited, sum, weights(node, sum, bias)];
}

/** Attention (ONNX Attention-23) in its parts. */
export const onnxAttention: Decompose = (node) => {
  const { pastKeys, ...own } = headsOf(node);
  const times = node.size(own.q, 1) / node.size(own.k, 1);
  if (!Number.isInteger(times))
    return node.fail(
      `${node.size(own.q, 1)} heads of queries do not share ${node.size(own.k, 1)} heads of keys`,
      undefined,
      "input",
    );
  const heads = { q: own.q, k: repeated(node, own.k, times), v: repeated(node, own.v, times) };
  const steps = stages(node, heads, pastKeys);
  const asked = steps[node.number("qk_matmul_output_mode", 0)];
  if (node.uses(3) && asked === undefined) return node.fail("Unknown qk_matmul_output_mode", undefined, "input");
  const product = [steps[3]!, heads.v];
  const y =
    node.shape(node.input(0)).length === 4
      ? node.result("MatMul", product)
      : joinHeads(node, node.node("MatMul", product));
  const scoresOut = node.uses(3) ? node.result("Identity", [asked!], {}, 3) : null;
  return [y, node.uses(1) ? own.k : null, node.uses(2) ? own.v : null, scoresOut];
};
