import { normalAxis, type ValueId } from "../../../ir/index.ts";
import { DTYPES } from "../../../tensor/index.ts";
import { valueType } from "../element-types.ts";
import type { Decompose, FileNode } from "../file-node.ts";

/** Scales or zero points of blocks, one an element along `axis`. */
function spread(node: FileNode, id: ValueId, axis: number, block: number, size: number): ValueId {
  const shape = node.shape(id).map((_, i) => node.size(id, i));
  const repeated = [...shape.slice(0, axis + 1), block, ...shape.slice(axis + 1)];
  const column = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const whole = shape.map((dim, i) => (i === axis ? dim * block : dim));
  const expanded = node.node("Expand", [
    node.node("Reshape", [id, node.ints("column", column)]),
    node.ints("repeated", repeated),
  ]);
  const flat = node.node("Reshape", [expanded, node.ints("whole", whole)]);
  if (whole[axis] === size) return flat;
  const operands = [node.ints("starts", [0]), node.ints("ends", [size]), node.ints("axes", [axis])];
  return node.node("Slice", [flat, ...operands]);
}

/** DequantizeLinear in blocks (ONNX DequantizeLinear-21) as (x - zero point) * scale, both spread over their blocks. */
function inBlocks(node: FileNode, block: number): ValueId {
  const [x, scale, zero] = [node.input(0), node.input(1), node.optional(2)];
  const axis = normalAxis(node.number("axis", 1), node.shape(x).length);
  const size = node.size(x, axis);
  const { dtype } = node.type(scale);
  const to = { to: DTYPES[dtype].onnx };
  const wide = node.node("Cast", [x], to);
  const centred =
    zero === null ? wide : node.node("Sub", [wide, node.node("Cast", [spread(node, zero, axis, block, size)], to)]);
  return node.result("Mul", [centred, spread(node, scale, axis, block, size)]);
}

/** Forms of DequantizeLinear that came after IR_OPSET: in blocks (21), and with an output type of its own (23). */
export const dequantizeLinear: Decompose = (node) => {
  const block = Number(node.take("block_size") ?? 0);
  const code = Number(node.take("output_dtype") ?? 0);
  const scale = node.input(1);
  if (code !== 0 && valueType(code, node.where) !== node.type(scale).dtype)
    return node.fail(
      `DequantizeLinear gives another type than its scale, ${node.type(scale).dtype}`,
      "Export the model with scales of the type that the model computes in.",
    );
  if (block <= 0 || node.shape(scale).length < 2) return null;
  return [inBlocks(node, block)];
};
