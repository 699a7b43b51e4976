import type { ValueId } from "../../../ir/index.ts";
import type { FileNode } from "../file-node.ts";

/** A quantised value with its scale and zero point (null: zero). */
export interface QuantisedOperand {
  readonly x: ValueId;
  readonly scale: ValueId;
  readonly zero: ValueId | null;
  /** The axis that a vector of scales runs along. */
  readonly axis?: number;
}

/** Whether a value is a vector of one element, which QOperator models write for a scalar. */
export function isVectorOfOne(node: FileNode, id: ValueId): boolean {
  const shape = node.shape(id);
  return shape.length > 0 && shape.every((dim) => dim === 1);
}

/** Scales and zero points as QDQ has them: a scalar, or a vector. */
function parameter(node: FileNode, id: ValueId): ValueId {
  const shape = node.shape(id);
  if (isVectorOfOne(node, id)) return node.node("Reshape", [id, node.ints("scalar", [])]);
  if (shape.length <= 1) return id;
  return node.node("Reshape", [id, node.ints("vector", [-1])]);
}

/** The real number of a quantised value: DequantizeLinear. */
export function dequantised(node: FileNode, { x, scale, zero, axis = 1 }: QuantisedOperand): ValueId {
  const factor = parameter(node, scale);
  const vector = node.shape(factor).length > 0;
  let offset = zero === null ? null : parameter(node, zero);
  if (offset !== null && vector && node.shape(offset).length === 0)
    offset = node.node("Expand", [offset, node.ints("zero_points", [node.size(factor, 0)])]);
  return node.node("DequantizeLinear", [x, factor, offset], vector ? { axis } : {});
}

/** The node's own output: QuantizeLinear of a real number. */
export function quantisedResult(node: FileNode, x: ValueId, scale: ValueId, zero: ValueId | null): ValueId {
  const factor = parameter(node, scale);
  const vector = node.shape(factor).length > 0;
  const offset = zero === null ? null : parameter(node, zero);
  // A vector of output scales is one a row of a matrix product (ONNX QLinearMatMul-10).
  return node.result("QuantizeLinear", [x, factor, offset], vector ? { axis: node.shape(x).length - 2 } : {});
}
