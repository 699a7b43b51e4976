import { type Graph, type Node, type ValueId, valueById } from "../../ir/index.ts";
import { DTYPES, type Random } from "../../tensor/index.ts";
import { convolution } from "./convolution.ts";
import { matrixProduct } from "./matrix-product.ts";

/** Reads the rows of a layer out of its tensors: one output position each, with the inputs that it is summed from. */
export interface RowReader {
  readonly rows: number;
  /** Moves to a row; the others then read that one. */
  readonly seek: (row: number) => void;
  /** Writes the row's features of a group, zeros where a window lies on padding. */
  readonly features: (x: ArrayLike<number>, group: number, into: { [index: number]: number }, at: number) => void;
  readonly outputs: (y: ArrayLike<number>, group: number, into: { [index: number]: number }, at: number) => void;
}

/** So many rows of `rows`, one at random of each of as many equal stretches: regular steps would fall into step with the width of a map. */
export function spreadRows(rows: number, count: number, random: Random): Int32Array {
  const taken = Math.min(rows, count);
  return Int32Array.from({ length: taken }, (_, i) => Math.floor(((i + random.next()) * rows) / taken));
}

/** A linear layer as products y = x W + b side by side: one, or one for each group of a convolution. */
export interface LinearForm {
  readonly groups: number;
  /** Of one group: inputs, times kernel positions. */
  readonly features: number;
  /** Of one group. */
  readonly outputs: number;
  /** Where the weight of a feature for an output lies in the constant. */
  readonly place: (group: number, feature: number, output: number) => number;
  /** What the product is multiplied by (alpha of Gemm). */
  readonly scale: number;
  /** The output's axis that the layer's outputs (of all groups, in order) lie on. */
  readonly axis: number;
  /** For tensors of these shapes. */
  readonly reader: (x: readonly number[], y: readonly number[]) => RowReader;
}

/** A node that is a linear layer, with what it reads. */
export interface LinearLayer extends LinearForm {
  readonly node: Node;
  /** The computed operand, the constant one, and the result. */
  readonly x: ValueId;
  readonly weight: ValueId;
  readonly y: ValueId;
}

/** The node as a linear layer, or why it is not one. */
export function linearLayer(graph: Graph, node: Node): LinearLayer | string {
  if (!["Conv", "ConvTranspose", "Gemm", "MatMul"].includes(node.op)) return `${node.op} is not a linear layer`;
  const isWeight = (id: ValueId | null | undefined) => {
    const data = id === null || id === undefined ? undefined : valueById(graph, id).data;
    return data !== undefined && DTYPES[data.dtype].float;
  };
  const constant = [0, 1].filter((input) => isWeight(node.inputs[input]));
  if (constant.length !== 1) return constant.length === 0 ? "its weight is computed" : "both operands are constant";
  const input = constant[0]!;
  const convolutional = node.op === "Conv" || node.op === "ConvTranspose";
  if (convolutional && input !== 1) return "its input is constant";
  const weight = valueById(graph, node.inputs[input]!);
  const x = valueById(graph, node.inputs[1 - input]!);
  const form = convolutional
    ? convolution(graph, node, weight.data!.shape)
    : matrixProduct(graph, node, weight.data!.shape, input);
  if (typeof form === "string") return form;
  return { ...form, node, x: x.id, weight: weight.id, y: node.outputs[0]! };
}
