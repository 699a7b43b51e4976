import { normalAxis } from "../../../ir/index.ts";
import type { Decompose } from "../file-node.ts";

/**
 * Softmax, LogSoftmax and Hardmax before opset 13 worked on the input flattened to 2-D at `axis` (ONNX Softmax-11): over
 * the last axis, or where the others behind it have size 1, that is today's meaning; else the axes behind it become one.
 */
export const flattenedSoftmax: Decompose = (node) => {
  if (node.opset >= 13) return null;
  const x = node.input(0);
  const shape = node.shape(x);
  const axis = normalAxis(node.number("axis", 1), shape.length);
  const many = shape.flatMap((dim, i) => (i >= axis && dim !== 1 ? [i] : []));
  if (many.length <= 1) {
    node.attrs.axis = many[0] ?? axis;
    return null;
  }
  const kept = new Array<number>(axis).fill(0);
  const rest = shape.slice(axis);
  if (rest.some((dim) => typeof dim === "string"))
    return node.fail(
      `${node.op} runs over the batch`,
      "Export the model with opset 13 or later, or with a fixed batch.",
    );
  const flat = node.node("Reshape", [x, node.ints("flat", [...kept, -1])]);
  const y = node.node(node.op, [flat], { axis: -1 });
  return [node.result("Reshape", [y, node.ints("shape", [...kept, ...(rest as number[])])])];
};
