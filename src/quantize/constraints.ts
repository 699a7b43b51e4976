import { type Graph, type Node, valueById } from "../ir/index.ts";
import type { AffineParameters } from "./parameters.ts";
import type { QuantizationScheme } from "./scheme.ts";

/**
 * What TFLite's int8 kernels demand of an operator's output (TFLite 8-bit quantisation specification): a scale of its own,
 * the scale of its inputs (listed), or one that the kernel dictates. "float": no int8 kernel.
 */
export type OutputRule =
  | { readonly kind: "own" }
  | { readonly kind: "same"; readonly inputs: readonly number[] }
  | { readonly kind: "dictated"; readonly parameters: AffineParameters }
  | { readonly kind: "float" };

const own: OutputRule = { kind: "own" };
const float: OutputRule = { kind: "float" };
const first: OutputRule = { kind: "same", inputs: [0] };
const dictated = (scale: number, zeroPoint: number): OutputRule => ({
  kind: "dictated",
  parameters: { scale, zeroPoint },
});

const rules: Readonly<Record<string, OutputRule>> = {
  Conv: own,
  ConvTranspose: own,
  Gemm: own,
  MatMul: own,
  Add: own,
  Sub: own,
  Mul: own,
  Relu: own,
  Clip: own,
  HardSwish: own,
  HardSigmoid: own,
  LeakyRelu: own,
  PRelu: own,
  Elu: own,
  ReduceMean: own,
  ReduceSum: own,
  MaxPool: first,
  AveragePool: first,
  GlobalMaxPool: first,
  ReduceMax: first,
  ReduceMin: first,
  Reshape: first,
  Flatten: first,
  Squeeze: first,
  Unsqueeze: first,
  Transpose: first,
  Slice: first,
  Split: first,
  Pad: first,
  Gather: first,
  Expand: first,
  Tile: first,
  Identity: first,
  Dropout: first,
  DepthToSpace: first,
  SpaceToDepth: first,
  Resize: first,
  Softmax: dictated(1 / 256, -128),
  LogSoftmax: dictated(16 / 256, 127),
  Sigmoid: dictated(1 / 256, -128),
  Tanh: dictated(1 / 128, 0),
};

/** The rule for a node's outputs. */
export function outputRule(graph: Graph, node: Node, scheme: QuantizationScheme): OutputRule {
  if (scheme.keepFloat?.has(node.name) === true || !isReal(graph, node)) return float;
  if (node.op === "Concat" || node.op === "Max" || node.op === "Min")
    return { kind: "same", inputs: node.inputs.map((_, i) => i) };
  if (node.op === "GlobalAveragePool") return scheme.globalAverage === "same-scale" ? first : own;
  if (!hasInt8Form(graph, node)) return float;
  return rules[node.op] ?? float;
}

function isReal(graph: Graph, node: Node): boolean {
  const [input] = node.inputs;
  if (input === undefined || input === null) return false;
  return (
    valueById(graph, input).type.dtype === "float32" &&
    node.outputs.every((id) => valueById(graph, id).type.dtype === "float32")
  );
}

/** Forms of an operator that the TFLite writer lowers to int8 kernels; the others run on real numbers. */
function hasInt8Form(graph: Graph, node: Node): boolean {
  const isConstant = (i: number) => {
    const id = node.inputs[i];
    return id === undefined || id === null || valueById(graph, id).data !== undefined;
  };
  switch (node.op) {
    case "Conv":
    case "ConvTranspose":
      return isConstant(1) && isConstant(2);
    case "Gemm":
      return isConstant(1) && isConstant(2) && Number(node.attrs.transA ?? 0) === 0;
    case "PRelu":
    case "Clip":
    case "Pad":
      return isConstant(1) && isConstant(2);
    case "Elu":
      return Number(node.attrs.alpha ?? 1) === 1;
    default:
      return true;
  }
}
