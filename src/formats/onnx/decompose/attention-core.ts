import type { ValueId } from "../../../ir/index.ts";
import { DTYPES } from "../../../tensor/index.ts";
import type { FileNode } from "../file-node.ts";

/** Queries, keys and values by head: [batch, heads, length, size]. */
export interface Heads {
  readonly q: ValueId;
  readonly k: ValueId;
  readonly v: ValueId;
}

/** [batch, length, heads * size] to [batch, heads, length, size]. */
export function splitHeads(node: FileNode, x: ValueId, heads: number): ValueId {
  const width = node.size(x, 2);
  if (!(heads > 0) || width % heads !== 0)
    return node.fail(`A width of ${width} does not make ${heads} heads`, undefined, "input");
  const split = node.node("Reshape", [x, node.ints("heads", [0, 0, heads, width / heads])]);
  return node.node("Transpose", [split], { perm: [0, 2, 1, 3] });
}

/** [batch, heads, length, size] to [batch, length, heads * size], as output i of the node. */
export function joinHeads(node: FileNode, x: ValueId): ValueId {
  const width = node.size(x, 1) * node.size(x, 3);
  const moved = node.node("Transpose", [x], { perm: [0, 2, 1, 3] });
  return node.result("Reshape", [moved, node.ints("width", [0, 0, width])]);
}

/** Scores q k' * scale: [batch, heads, queries, keys]. */
export function scores(node: FileNode, { q, k }: Pick<Heads, "q" | "k">, scale: number): ValueId {
  const turned = node.node("Transpose", [k], { perm: [0, 1, 3, 2] });
  const product = node.node("MatMul", [q, turned]);
  return node.node("Mul", [product, node.scalar("scale", scale, node.type(q).dtype)]);
}

/** A constant [queries, keys] that is 0 where a query may look (key <= query + offset) and `masked` elsewhere. */
export function causalBias(
  node: FileNode,
  like: ValueId,
  sizes: { readonly queries: number; readonly keys: number; readonly offset: number },
  masked: number,
): ValueId {
  const { queries, keys, offset } = sizes;
  if (queries * keys > 2 ** 24)
    return node.fail(
      `A causal mask of ${queries} by ${keys} is too large`,
      "Export the model with a shorter sequence.",
    );
  const values = new Float32Array(queries * keys);
  for (let i = 0; i < queries; i++) values.fill(masked, Math.min(keys, i + offset + 1) + i * keys, (i + 1) * keys);
  return node.numbersOf("causal", node.type(like).dtype, [queries, keys], values);
}

/** (1 - mask) * masked, for a mask of ones (seen) and zeros. */
export function maskBias(node: FileNode, mask: ValueId, like: ValueId, masked: number): ValueId {
  const { dtype } = node.type(like);
  const real = node.node("Cast", [mask], { to: DTYPES[dtype].onnx });
  const hidden = node.node("Sub", [node.scalar("one", 1, dtype), real]);
  return node.node("Mul", [hidden, node.scalar("masked", masked, dtype)]);
}
