import type { Decompose } from "../file-node.ts";

/** com.microsoft Gelu: x * Phi(x) by the error function. */
export const gelu: Decompose = (node) => [node.result("Gelu", [node.input(0)])];

/** com.microsoft BiasGelu: Gelu(x + bias). */
export const biasGelu: Decompose = (node) => [node.result("Gelu", [node.node("Add", [node.input(0), node.input(1)])])];

/** com.microsoft FastGelu: Gelu(x + bias) by the hyperbolic tangent. */
export const fastGelu: Decompose = (node) => {
  const bias = node.optional(1);
  const x = bias === null ? node.input(0) : node.node("Add", [node.input(0), bias]);
  return [node.result("Gelu", [x], { approximate: "tanh" })];
};

/** com.microsoft QuickGelu: x * sigmoid(alpha * x). */
export const quickGelu: Decompose = (node) => {
  const x = node.input(0);
  const alpha = node.scalar("alpha", node.number("alpha", 1.702), node.type(x).dtype);
  return [node.result("Mul", [x, node.node("Sigmoid", [node.node("Mul", [x, alpha])])])];
};
