import type { FileNode, Upgrade } from "../file-node.ts";

/** An empty constant stands for an absent operand (ONNX Resize-11). */
function dropEmpty(node: FileNode, i: number): void {
  const id = node.optional(i);
  if (id !== null && node.shape(id).length === 1 && node.shape(id)[0] === 0) node.inputs[i] = null;
}

/**
 * Resize before opset 11 scaled from the corner (coordinate mode "asymmetric"); nearest took the pixel below when
 * enlarging, and above when reducing, as ONNX Runtime has it.
 */
function fromCorner(node: FileNode): void {
  node.attrs.coordinate_transformation_mode = "asymmetric";
  node.attrs.mode = node.text("mode", "nearest").replace(/^bi/, "");
  const scales = node.numbers(node.optional(2)) ?? [];
  node.attrs.nearest_mode = scales.some((scale) => scale < 1) ? "ceil" : "floor";
  if (node.attrs.mode === "nearest" && scales.some((scale) => scale < 1) && scales.some((scale) => scale > 1))
    node.fail(
      `This ${node.op} enlarges one axis and reduces another, which opset ${node.opset} rounds differently`,
      "Export the model with opset 11 or later.",
    );
}

/** Resize-10 has inputs x and scales; Resize-11 put a region before the scales, which only one mode reads. */
export const resize: Upgrade = (node) => {
  if (node.opset < 11) {
    node.inputs = [node.input(0), null, node.input(1)];
    fromCorner(node);
    return;
  }
  dropEmpty(node, 2);
  dropEmpty(node, 3);
  if (node.text("coordinate_transformation_mode", "half_pixel") !== "tf_crop_and_resize" && node.inputs.length > 1)
    node.inputs[1] = null;
};

/** Upsample-7 and Upsample-9 became Resize-10. */
export const upsample: Upgrade = (node) => {
  const scales = node.list("scales");
  node.take("scales");
  const operand = node.opset < 9 ? node.numbersOf("scales", "float32", [scales.length], scales) : node.input(1);
  node.op = "Resize";
  node.inputs = [node.input(0), null, operand];
  fromCorner(node);
};
