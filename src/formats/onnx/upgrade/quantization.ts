import { DTYPES } from "../../../tensor/index.ts";
import { isNarrow, valueType } from "../element-types.ts";
import type { Upgrade } from "../file-node.ts";

/** QuantizeLinear-21 may state its type instead of a zero point, QuantizeLinear-23 the type it divides in. */
export const quantizeLinear: Upgrade = (node) => {
  const block = Number(node.take("block_size") ?? 0);
  if (block > 0) node.fail(`QuantizeLinear in blocks of ${block} is not supported`, "Quantise activations by tensor.");
  const code = Number(node.take("output_dtype") ?? 0);
  const precision = Number(node.take("precision") ?? 0);
  if (isNarrow(code)) valueType(code, node.where);
  if (precision !== 0 && precision !== DTYPES.float32.onnx)
    node.fail(`QuantizeLinear that divides in another precision (${precision}) is not supported`, "Export it without.");
  if (code === 0 || node.optional(2) !== null) return;
  const dtype = valueType(code, node.where);
  const [count] = node.shape(node.input(1));
  // A scalar scale, or one a slice.
  const zero = count === undefined ? node.scalar("zero_point", 0, dtype) : null;
  node.setInput(2, zero ?? node.counted("zero_point", dtype, node.size(node.input(1), 0), () => 0));
};
