import type { GraphBuilder, ValueId } from "../../ir/index.ts";
import { fromNumbers, int64s } from "../../tensor/index.ts";
import type { WeightUse } from "./mask-layers.ts";
import type { WeightMatrix } from "./weight-matrix.ts";

/** What is added up over all places: squares take memory as the columns, products as their square. */
export type InputKind = "squares" | "products";

type WeightNode = WeightUse["node"];

/** ONNX's number of float64. */
const FLOAT64 = 11;

/**
 * Adds nodes that give, for what a weight multiplies in one run, the sums over all places: squares [groups, columns] or products [groups, columns, columns], in
 * float64. Columns go channel by channel. A convolution is unfolded by a grouped convolution of ones and zeros, exactly.
 */
export function addInputProducts(
  builder: GraphBuilder,
  { node, data, axis }: WeightUse,
  matrix: WeightMatrix,
  kind: InputKind,
): ValueId {
  const name = { name: `${node.name}.inputs` };
  const add = (op: string, inputs: readonly ValueId[], attrs = {}) => builder.node(op, inputs, attrs, name);
  const input = node.inputs[data]!;
  const unfolded = slides(node, matrix) ? unfold(builder, node, input, matrix) : input;
  const rank = builder.value(unfolded).type.shape.length;
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  const turned = add("Transpose", [unfolded], { perm: [axis, ...others] });
  const shape = builder.constant(`${node.name}.inputs.shape`, int64s([matrix.groups, matrix.columns, -1]));
  const exact = add("Cast", [add("Reshape", [turned, shape])], { to: FLOAT64 });
  if (kind === "products") return add("MatMul", [exact, add("Transpose", [exact], { perm: [0, 2, 1] })]);
  const last = builder.constant(`${node.name}.inputs.axes`, int64s([2]));
  return add("ReduceSum", [add("Mul", [exact, exact]), last], { keepdims: 0 });
}

/** Whether a layer reads other than each element of its input once. */
function slides({ op, attrs }: WeightNode, { positions }: WeightMatrix): boolean {
  return op === "Conv" && (positions > 1 || ["strides", "pads", "auto_pad"].some((name) => attrs[name] !== undefined));
}

/** [n, channels x positions, ...]: output channel c x positions + p is channel c at position p of each window. */
function unfold(builder: GraphBuilder, node: WeightNode, input: ValueId, matrix: WeightMatrix): ValueId {
  const { positions, kernel } = matrix;
  const channels = matrix.channels * matrix.groups;
  const { dtype } = builder.value(input).type;
  const ones = new Float64Array(channels * positions * positions);
  for (let c = 0; c < channels; c++) for (let p = 0; p < positions; p++) ones[(c * positions + p) * positions + p] = 1;
  const picks = builder.constant(
    `${node.name}.windows`,
    fromNumbers(dtype, [channels * positions, 1, ...kernel], ones),
  );
  return builder.node("Conv", [input, picks], { ...node.attrs, group: channels }, { name: `${node.name}.unfolded` });
}
