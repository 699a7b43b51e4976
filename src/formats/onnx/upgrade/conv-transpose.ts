import type { FileNode, Upgrade } from "../file-node.ts";

/** A list attribute, or `count` times its default. */
function listOr(node: FileNode, name: string, fallback: number, count: number): readonly number[] {
  const given = node.list(name);
  return given.length === 0 ? new Array<number>(count).fill(fallback) : given;
}

/**
 * ConvTranspose whose output size is stated, or is stride times the input (auto_pad SAME_*), with the pads that this means
 * (ONNX ConvTranspose-11: total = stride * (in - 1) + output_padding + extent - out; the odd one at the end for SAME_UPPER, else at the beginning).
 */
export const convTranspose: Upgrade = (node) => {
  const mode = node.text("auto_pad", "NOTSET");
  const wanted = node.list("output_shape");
  node.take("auto_pad");
  node.take("output_shape");
  if (mode === "VALID") node.take("pads");
  if (wanted.length === 0 && (mode === "NOTSET" || mode === "VALID")) return;
  const [x, w] = [node.input(0), node.input(1)];
  const rank = node.shape(x).length - 2;
  if (rank < 1 || node.shape(w).length !== rank + 2 || (wanted.length > 0 && wanted.length < rank))
    node.fail(`ConvTranspose over ${rank} spatial axes does not fit its weight or output_shape`, undefined, "input");
  const strides = listOr(node, "strides", 1, rank);
  const dilations = listOr(node, "dilations", 1, rank);
  const padding = [...listOr(node, "output_padding", 0, rank)];
  const pads = new Array<number>(2 * rank).fill(0);
  for (let i = 0; i < rank; i++) {
    const size = node.size(x, 2 + i);
    const out = wanted.length === 0 ? size * strides[i]! : wanted[wanted.length - rank + i]!;
    const extent = (node.size(w, 2 + i) - 1) * dilations[i]! + 1;
    const total = strides[i]! * (size - 1) + padding[i]! + extent - out;
    if (total < 0) padding[i]! -= total;
    const cut = Math.max(0, total);
    const less = Math.floor(cut / 2);
    pads[i] = mode === "SAME_UPPER" ? less : cut - less;
    pads[rank + i] = cut - pads[i]!;
  }
  node.attrs.pads = pads;
  node.attrs.output_padding = padding;
};
