import type { Attributes, ValueId } from "../../../ir/index.ts";
import type { Decompose, FileNode } from "../file-node.ts";
import { dequantised, isVectorOfOne, quantisedResult } from "./quantised-operand.ts";

/** The bias of a quantised product: int32 at input scale times weight scale. */
function dequantisedBias(node: FileNode, bias: ValueId | null, xScale: ValueId, wScale: ValueId): ValueId | null {
  if (bias === null) return null;
  const [x, w] = [xScale, wScale].map((id) => (isVectorOfOne(node, id) ? scalarOf(node, id) : id));
  return node.node("DequantizeLinear", [bias, node.node("Mul", [x!, w!])], { axis: 0 });
}

function scalarOf(node: FileNode, id: ValueId): ValueId {
  return node.node("Reshape", [id, node.ints("scalar", [])]);
}

/** QLinearConv-10: inputs x, w, the output's parameters and bias, each with scale and zero point. */
export const qLinearConv: Decompose = (node) => {
  const last = Number(node.take("channels_last") ?? 0) === 1;
  const real = dequantised(node, { x: node.input(0), scale: node.input(1), zero: node.optional(2) });
  const weights = dequantised(node, { x: node.input(3), scale: node.input(4), zero: node.optional(5), axis: 0 });
  const bias = dequantisedBias(node, node.optional(8), node.input(1), node.input(4));
  const conv = node.node("Conv", [last ? moved(node, real, "first") : real, weights, bias], node.attrs);
  return [quantisedResult(node, last ? moved(node, conv, "last") : conv, node.input(6), node.optional(7))];
};

/** Channels moved to axis 1 or to the last axis. */
function moved(node: FileNode, id: ValueId, to: "first" | "last"): ValueId {
  const rank = node.shape(id).length;
  const inner = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  const perm = to === "first" ? [0, rank - 1, ...inner] : [0, ...inner.map((axis) => axis + 1), 1];
  return node.node("Transpose", [id], { perm });
}

/** QLinearMatMul-10: a may have one scale a row, b one a column. */
export const qLinearMatMul: Decompose = (node) => {
  const [a, b] = [node.input(0), node.input(3)];
  const rows = node.shape(a).length - 2;
  const left = dequantised(node, { x: a, scale: node.input(1), zero: node.optional(2), axis: rows });
  const columns = node.shape(b).length - 1;
  const right = dequantised(node, { x: b, scale: node.input(4), zero: node.optional(5), axis: columns });
  return [quantisedResult(node, node.node("MatMul", [left, right]), node.input(6), node.optional(7))];
};

/** com.microsoft QLinearAdd and QLinearMul: both operands with scale and zero point. */
export const qLinearBinary =
  (op: string): Decompose =>
  (node) => {
    const a = dequantised(node, { x: node.input(0), scale: node.input(1), zero: node.optional(2) });
    const b = dequantised(node, { x: node.input(3), scale: node.input(4), zero: node.optional(5) });
    return [quantisedResult(node, node.node(op, [a, b]), node.input(6), node.optional(7))];
  };

/** com.microsoft operators of one quantised operand: x, its scale and zero point, and those of the output. */
export const qLinearUnary =
  (op: string, attrsOf: (node: FileNode) => Attributes = () => ({})): Decompose =>
  (node) => {
    const x = dequantised(node, { x: node.input(0), scale: node.input(1), zero: node.optional(2) });
    return [quantisedResult(node, node.node(op, [x], attrsOf(node)), node.input(3), node.optional(4))];
  };

/** com.microsoft pools, whose channels may be last. */
export const qLinearPool =
  (op: string): Decompose =>
  (node) => {
    const last = Number(node.take("channels_last") ?? 0) === 1;
    const x = dequantised(node, { x: node.input(0), scale: node.input(1), zero: node.optional(2) });
    const pooled = node.node(op, [last ? moved(node, x, "first") : x], node.attrs);
    const y = last ? moved(node, pooled, "last") : pooled;
    return [quantisedResult(node, y, node.input(3), node.optional(4))];
  };

/** com.microsoft QLinearSoftmax, which states the opset whose Softmax it means. */
export const qLinearSoftmax: Decompose = (node) => {
  const x = dequantised(node, { x: node.input(0), scale: node.input(1), zero: node.optional(2) });
  const rank = node.shape(x).length;
  const axis = node.number("axis", -1);
  if (node.number("opset", 13) < 13 && axis !== -1 && axis !== rank - 1)
    return node.fail("QLinearSoftmax over several axes is not supported", "Export the model with opset 13 or later.");
  return [quantisedResult(node, node.node("Softmax", [x], { axis }), node.input(3), node.optional(4))];
};

/** com.microsoft QLinearConcat: the output's scale and zero point, then three inputs a part. */
export const qLinearConcat: Decompose = (node) => {
  const parts: ValueId[] = [];
  for (let i = 2; i < node.inputs.length; i += 3)
    parts.push(dequantised(node, { x: node.input(i), scale: node.input(i + 1), zero: node.optional(i + 2) }));
  const joined = node.node("Concat", parts, { axis: node.number("axis", 0) });
  return [quantisedResult(node, joined, node.input(0), node.optional(1))];
};

/** com.microsoft QLinearWhere: the condition, both operands and the output's parameters. */
export const qLinearWhere: Decompose = (node) => {
  const x = dequantised(node, { x: node.input(1), scale: node.input(2), zero: node.optional(3) });
  const y = dequantised(node, { x: node.input(4), scale: node.input(5), zero: node.optional(6) });
  return [quantisedResult(node, node.node("Where", [node.input(0), x, y]), node.input(7), node.optional(8))];
};

/** com.microsoft QGemm: alpha * a' * b' + c; without an output scale the result stays a real number. */
export const qGemm: Decompose = (node) => {
  const { transA = 0, transB = 0 } = node.attrs as { transA?: number; transB?: number };
  const alpha = node.number("alpha", 1);
  const [aScale, bScale] = [node.input(1), node.input(4)];
  const a = dequantised(node, { x: node.input(0), scale: aScale, zero: node.optional(2) });
  const b = dequantised(node, { x: node.input(3), scale: bScale, zero: node.optional(5), axis: transB === 1 ? 0 : 1 });
  const bias = alpha === 1 ? dequantisedBias(node, node.optional(6), aScale, bScale) : null;
  if (alpha !== 1 && node.optional(6) !== null)
    return node.fail(`QGemm with a bias and alpha ${alpha} is not supported`, "Export the model in QDQ format.");
  const attrs = { alpha, transA, transB };
  const output = node.optional(7);
  if (output === null) return [node.result("Gemm", [a, b, bias], attrs)];
  return [quantisedResult(node, node.node("Gemm", [a, b, bias], attrs), output, node.optional(8))];
};
