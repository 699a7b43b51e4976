import type { Decompose } from "../file-node.ts";
import { dequantised } from "./quantised-operand.ts";

/** com.microsoft MatMulIntegerToFloat: the product of two quantised matrices as a real number, plus a bias. */
export const matMulIntegerToFloat: Decompose = (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  const left = dequantised(node, {
    x: a,
    scale: node.input(2),
    zero: node.optional(4),
    axis: node.shape(a).length - 2,
  });
  const right = dequantised(node, {
    x: b,
    scale: node.input(3),
    zero: node.optional(5),
    axis: node.shape(b).length - 1,
  });
  const bias = node.optional(6);
  if (bias === null) return [node.result("MatMul", [left, right])];
  return [node.result("Add", [node.node("MatMul", [left, right]), bias])];
};

/** com.microsoft DynamicQuantizeMatMul: a is quantised by its own range, multiplied in integers, and scaled back. */
export const dynamicQuantizeMatMul: Decompose = (node) => {
  const [a, b, scale] = [node.input(0), node.input(1), node.input(2)];
  const [y, ownScale, ownZero] = node.nodes("DynamicQuantizeLinear", [a], {}, 3) as [number, number, number];
  const product = node.node("MatMulInteger", [y, b, ownZero, node.optional(3)]);
  const real = node.node("Cast", [product], { to: 1 });
  const factor = node.node("Mul", [ownScale, scale]);
  const bias = node.optional(4);
  if (bias === null) return [node.result("Mul", [real, factor])];
  return [node.result("Add", [node.node("Mul", [real, factor]), bias])];
};
