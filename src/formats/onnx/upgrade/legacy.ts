import type { FileNode, Upgrade } from "../file-node.ts";

/** Before opset 7 a second operand was broadcast on request only, from an axis on: `broadcast` and `axis` (ONNX Add-6). */
export const broadcastBefore7: Upgrade = (node) => {
  if (node.opset >= 7) return;
  const axis = node.take("axis");
  const wanted = node.take("broadcast") === 1;
  node.take("consumed_inputs");
  if (!wanted || typeof axis !== "number") return;
  const rank = node.shape(node.input(0)).length;
  const own = node.shape(node.input(1)).length;
  const start = axis < 0 ? axis + rank : axis;
  const behind = Array.from({ length: Math.max(0, rank - start - own) }, (_, i) => own + i);
  if (behind.length > 0) node.setInput(1, node.node("Unsqueeze", [node.input(1), node.ints("axes", behind)]));
};

/** What old files say of memory, which means nothing here. */
export const dropConsumed: Upgrade = (node) => {
  node.take("consumed_inputs");
  if (node.opset < 7) node.take("is_test");
};

/** Reshape-1 had its shape as an attribute. */
export const reshape: Upgrade = (node) => {
  dropConsumed(node);
  if (node.opset < 5) node.setInput(1, node.ints("shape", node.list("shape")));
  if (node.opset < 5) node.take("shape");
};

/** Concat-1 joined along axis 1 unless told otherwise. */
export const concat: Upgrade = (node) => {
  if (node.opset < 4) node.attrs.axis ??= 1;
};

/** Operators whose inputs or defaults changed in ways that nobody's files need. */
export const refusedBefore =
  (changed: number): Upgrade =>
  (node: FileNode) => {
    if (node.opset < changed)
      node.fail(
        `${node.op} of opset ${node.opset} is not supported`,
        `Export the model with opset ${Math.max(7, changed)} or later.`,
      );
  };
