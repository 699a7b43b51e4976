import type { Decompose } from "../file-node.ts";

/** Dropout outside training is the identity, and its mask is true everywhere (ONNX Dropout-13). */
export const dropout: Decompose = (node) => {
  const x = node.input(0);
  const training = node.optional(2);
  const trains = training === null ? 0 : (node.numbers(training)?.[0] ?? null);
  const ratio = node.optional(1) === null ? 0.5 : (node.numbers(node.input(1))?.[0] ?? null);
  if (trains === null || (trains !== 0 && ratio !== 0))
    return node.fail("Dropout in training mode drops at random", "Export the model in evaluation mode.");
  const y = node.uses(0) ? node.result("Identity", [x]) : null;
  if (!node.uses(1)) return [y];
  const some = node.node("Cast", [x], { to: 9 });
  return [y, node.result("Or", [some, node.node("Not", [some])], {}, 1)];
};
