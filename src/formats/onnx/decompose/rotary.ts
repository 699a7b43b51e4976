import type { ValueId } from "../../../ir/index.ts";
import type { Decompose, FileNode } from "../file-node.ts";

/** The operands of a rotation: x by head [batch, heads, length, size], cosines and sines that broadcast to [batch, 1, length, half]. */
interface Rotation {
  readonly x: ValueId;
  readonly cos: ValueId;
  readonly sin: ValueId;
  /** How much of the size is rotated. */
  readonly rotated: number;
  readonly interleaved: boolean;
}

/** Elements of the last axis from `start` to `end`. */
function slice(node: FileNode, x: ValueId, start: number, end: number, step = 1): ValueId {
  const operands = [start, end, -1, step].map((value, i) => node.ints(`slice${i}`, [value]));
  return node.node("Slice", [x, ...operands]);
}

/** (a, b) to (a cos - b sin, a sin + b cos), a and b being halves of the size, or its even and odd elements. */
function rotate(node: FileNode, { x, cos, sin, rotated, interleaved }: Rotation): ValueId {
  const size = node.size(x, 3);
  const half = rotated / 2;
  const a = interleaved ? slice(node, x, 0, rotated, 2) : slice(node, x, 0, half);
  const b = interleaved ? slice(node, x, 1, rotated, 2) : slice(node, x, half, rotated);
  const product = (left: ValueId, right: ValueId) => node.node("Mul", [left, right]);
  const first = node.node("Sub", [product(a, cos), product(b, sin)]);
  const second = node.node("Add", [product(a, sin), product(b, cos)]);
  let whole: ValueId;
  if (interleaved) {
    const axes = node.ints("axes", [-1]);
    const pairs = [first, second].map((id) => node.node("Unsqueeze", [id, axes]));
    const joined = node.node("Concat", pairs, { axis: -1 });
    const shape = node.ints("pairs", [0, node.size(x, 1), node.size(x, 2), rotated]);
    whole = node.node("Reshape", [joined, shape]);
  } else whole = node.node("Concat", [first, second], { axis: -1 });
  return rotated === size ? whole : node.node("Concat", [whole, slice(node, x, rotated, size)], { axis: -1 });
}

/** Rows of a cache at the positions, or the cache as it is, with an axis for the heads. */
function rows(node: FileNode, cache: ValueId, positions: ValueId | null, length: number): ValueId {
  if (positions === null) return node.node("Unsqueeze", [cache, node.ints("axes", [1])]);
  const shape = node.shape(positions);
  const gathered =
    shape.length === 1 && shape[0] === 1
      ? node.node("Gather", [cache, node.node("Add", [positions, node.counted("steps", "int64", length, (i) => i)])])
      : node.node("Gather", [cache, positions]);
  const axes = node.shape(gathered).length === 2 ? [0, 1] : [1];
  return node.node("Unsqueeze", [gathered, node.ints("axes", axes)]);
}

/** The rotation of a node whose inputs are given in either domain's order; the answer has the input's form. */
function rotaryEmbedding(
  node: FileNode,
  inputs: { readonly positions: ValueId | null; readonly cos: ValueId; readonly sin: ValueId },
): readonly ValueId[] {
  const input = node.input(0);
  const flat = node.shape(input).length === 3;
  const heads = node.number("num_heads", 0);
  let x = input;
  if (flat) {
    const width = node.size(input, 2);
    const half = node.size(inputs.cos, -1);
    const count = heads > 0 ? heads : width / (2 * half);
    if (!Number.isInteger(count) || width % count !== 0)
      return node.fail(`A width of ${width} does not make ${count} heads`, undefined, "input");
    const split = node.node("Reshape", [input, node.ints("heads", [0, 0, count, width / count])]);
    x = node.node("Transpose", [split], { perm: [0, 2, 1, 3] });
  }
  const given = node.number("rotary_embedding_dim", 0);
  const rotated = given === 0 ? node.size(x, 3) : given;
  const length = node.size(x, 2);
  const own = (cache: ValueId) => {
    const found = rows(node, cache, inputs.positions, length);
    return node.size(found, -1) === rotated / 2 ? found : slice(node, found, 0, rotated / 2);
  };
  const interleaved = node.number("interleaved", 0) === 1;
  const y = rotate(node, { x, cos: own(inputs.cos), sin: own(inputs.sin), rotated, interleaved });
  if (!flat) return [node.result("Identity", [y])];
  const width = node.ints("width", [0, 0, node.size(input, 2)]);
  return [node.result("Reshape", [node.node("Transpose", [y], { perm: [0, 2, 1, 3] }), width])];
}

/** RotaryEmbedding (ONNX RotaryEmbedding-23): x, cosines, sines and positions. */
export const onnxRotaryEmbedding: Decompose = (node) =>
  rotaryEmbedding(node, { positions: node.optional(3), cos: node.input(1), sin: node.input(2) });

/** com.microsoft RotaryEmbedding: x, positions, cosines and sines. */
export const microsoftRotaryEmbedding: Decompose = (node) => {
  if (node.number("is_packed_batching", 0) !== 0 || node.number("scale", 1) !== 1)
    return node.fail("RotaryEmbedding that is packed or scaled is not supported", "Export the model with opset 23.");
  return rotaryEmbedding(node, { positions: node.input(1), cos: node.input(2), sin: node.input(3) });
};
