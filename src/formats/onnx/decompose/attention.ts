import { shapeText, type ValueId } from "../../../ir/index.ts";
import type { Decompose, FileNode } from "../file-node.ts";
import { causalBias, type Heads, joinHeads, maskBias, scores, splitHeads } from "./attention-core.ts";

/** Parts of the last axis of a value. */
function parts(node: FileNode, x: ValueId, sizes: readonly number[]): ValueId[] {
  return node.nodes("Split", [x, node.ints("sizes", sizes)], { axis: -1 }, sizes.length);
}

/** What a mask adds to the scores; the forms of com.microsoft that are told by their shape: [batch, keys], [batch, queries, keys] or lengths [batch]. */
function biasOfMask(node: FileNode, mask: ValueId, like: ValueId, keys: number): ValueId {
  const shape = node.shape(mask);
  const masked = node.number("mask_filter_value", -10000);
  const batch = node.shape(like)[0]!;
  if (shape.length === 2 && shape[1] === keys)
    return maskBias(node, node.node("Unsqueeze", [mask, node.ints("axes", [1, 2])]), like, masked);
  if (shape.length === 3) return maskBias(node, node.node("Unsqueeze", [mask, node.ints("axes", [1])]), like, masked);
  if (shape.length === 1 && shape[0] === batch) {
    const positions = node.counted("positions", node.type(mask).dtype, keys, (i) => i);
    const ends = node.node("Unsqueeze", [mask, node.ints("axes", [1, 2, 3])]);
    return maskBias(node, node.node("Less", [positions, ends]), like, masked);
  }
  return node.fail(
    `A mask of shape ${shapeText(shape)} is not supported`,
    "Supported: [batch, keys], [batch, queries, keys] and [batch].",
  );
}

/** Attention over heads with everything that is added to its scores; gives [batch, queries, width]. */
function attend(node: FileNode, heads: Heads, mask: ValueId | null, bias: ValueId | null): ValueId {
  const scale = node.number("scale", 0);
  const size = node.size(heads.q, 3);
  let sum = scores(node, heads, scale === 0 ? 1 / Math.sqrt(size) : scale);
  const keys = node.size(heads.k, 2);
  if (mask !== null) sum = node.node("Add", [sum, biasOfMask(node, mask, heads.q, keys)]);
  if (node.number("unidirectional", 0) === 1) {
    const queries = node.size(heads.q, 2);
    const causal = causalBias(node, heads.q, { queries, keys, offset: keys - queries }, -10000);
    sum = node.node("Add", [sum, causal]);
  }
  if (bias !== null) sum = node.node("Add", [sum, bias]);
  const weights = node.node("Softmax", [sum], { axis: -1 });
  return joinHeads(node, node.node("MatMul", [weights, heads.v]));
}

function refuse(node: FileNode, what: string): never {
  return node.fail(`${node.op} with ${what} is not supported`, "Save the model before ONNX Runtime's fusions.");
}

/** com.microsoft Attention: queries, keys and values are one product of the input. */
export const microsoftAttention: Decompose = (node) => {
  if (node.optional(4) !== null || node.uses(1)) return refuse(node, "keys of the past");
  if (node.number("do_rotary", 0) !== 0) return refuse(node, "rotary embedding");
  const [x, w] = [node.input(0), node.input(1)];
  const width = node.size(w, 1);
  const given = node.list("qkv_hidden_sizes");
  const sizes = given.length === 3 ? given : [width / 3, width / 3, width / 3];
  const bias = node.optional(2);
  const product = node.node("MatMul", [x, w]);
  const [q, k, v] = parts(node, bias === null ? product : node.node("Add", [product, bias]), sizes) as [
    number,
    number,
    number,
  ];
  const heads = node.number("num_heads", 0);
  const split = { q: splitHeads(node, q, heads), k: splitHeads(node, k, heads), v: splitHeads(node, v, heads) };
  return [attend(node, split, node.optional(3), node.optional(5))];
};

/** com.microsoft MultiHeadAttention with separate queries, keys and values. */
export const multiHeadAttention: Decompose = (node) => {
  if (node.optional(6) !== null || node.optional(7) !== null) return refuse(node, "keys of the past");
  const heads = node.number("num_heads", 0);
  const operands = [0, 1, 2].map((i) => node.optional(i) ?? refuse(node, "packed keys and values"));
  if (node.shape(operands[0]!).length !== 3) return refuse(node, "packed queries");
  const widths = operands.map((id) =>
    node.shape(id).length === 3 ? node.size(id, 2) : node.size(id, 1) * node.size(id, 3),
  );
  const bias = node.optional(3);
  const biases = bias === null ? [] : parts(node, bias, widths);
  const [q, k, v] = operands.map((id, i) => {
    if (node.shape(id).length === 4) return biases.length === 0 ? id : refuse(node, "a bias on keys by head");
    return splitHeads(node, biases.length === 0 ? id : node.node("Add", [id, biases[i]!]), heads);
  }) as [number, number, number];
  return [attend(node, { q, k, v }, node.optional(4), node.optional(5)), k, v];
};
