import type { ValueId } from "../../../ir/index.ts";
import type { Decompose } from "../file-node.ts";

/** [batch, ...] and [sequence, ...] exchanged. */
const swap = { perm: [1, 0, 2] };

/**
 * LSTM, GRU and RNN with the batch first (layout 1, ONNX LSTM-14): ONNX Runtime and all that reads the graph know the
 * sequence first, so that Transposes stand around the operator.
 */
export const batchFirst: Decompose = (node) => {
  if (node.number("layout", 0) !== 1) return null;
  node.attrs.layout = 0;
  const around = (i: number) => {
    const id = node.optional(i);
    return id === null ? null : node.node("Transpose", [id], swap);
  };
  const inputs: (ValueId | null)[] = [...node.inputs];
  for (const i of [0, 5, 6]) if (i < inputs.length) inputs[i] = around(i);
  const count = Math.max(1, node.outputs.findLastIndex((name) => name !== null) + 1);
  const outputs = node.nodes(node.op, inputs, node.attrs, count);
  return outputs.map((id, i) =>
    node.uses(i) ? node.result("Transpose", [id], i === 0 ? { perm: [2, 0, 1, 3] } : swap, i) : null,
  );
};
