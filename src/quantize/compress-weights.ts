import { type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { DTYPES, float32, fromNumbers, type Tensor, tensor, toFloat32 } from "../tensor/index.ts";
import { quantizeWeight } from "./weights.ts";

export interface CompressOptions {
  /** float16: half the size, widened when loaded. int8: a quarter, one scale an output channel; LiteRT then also rounds activations on the fly (dynamic range). */
  readonly dtype: "float16" | "int8";
  /** Weights with fewer elements stay as they are; default 1024 (as TFLite's converter). */
  readonly least?: number;
  /** int8 scales of fully connected layers; default per-tensor, because one an output needs LiteRT 2.17 (FULLY_CONNECTED version 12). */
  readonly fullyConnected?: "per-tensor" | "per-channel";
}

/** The graph with the large weights of its convolutions and matrix products stored smaller, activations on real numbers. */
export function compressWeights(graph: Graph, options: CompressOptions): Graph {
  const { dtype, least = 1024, fullyConnected = "per-tensor" } = options;
  const builder = editGraph(graph);
  const made = new Map<string, ValueId>();
  for (const node of graph.nodes) {
    const axis = outputAxis(graph, node);
    const id = node.inputs[1];
    if (axis === null || id === undefined || id === null) continue;
    const { name, data } = valueById(graph, id);
    if (data?.dtype !== "float32" || data.data.length < least) continue;
    const key = `${id} ${dtype === "int8" ? axis : ""}`;
    const known = made.get(key);
    const scaleAxis = node.op === "Conv" || fullyConnected === "per-channel" ? axis : null;
    const stored = known ?? (dtype === "int8" ? asInt8(name, data, scaleAxis) : asFloat16(name, data));
    made.set(key, stored);
    const current = builder.currentNodes.find((candidate) => candidate.name === node.name)!;
    builder.replaceNode(current, { ...current, inputs: current.inputs.map((input, i) => (i === 1 ? stored : input)) });
  }
  return builder.build();

  function asFloat16(name: string, data: Tensor): ValueId {
    const half = builder.constant(`${name}.float16`, fromNumbers("float16", data.shape, toFloat32(data)));
    return builder.node("Cast", [half], { to: DTYPES.float32.onnx }, { name: `${name}.widened` });
  }

  function asInt8(name: string, data: Tensor, axis: number | null): ValueId {
    const { data: q, scales } = quantizeWeight(data, axis);
    const shape = axis === null ? [] : [scales.length];
    const operands = [
      builder.constant(`${name}.int8`, q),
      builder.constant(`${name}.scale`, float32(shape, scales)),
      builder.constant(`${name}.zero_point`, tensor("int8", shape, new Int8Array(scales.length))),
    ];
    const attrs = axis === null ? {} : { axis };
    return builder.node("DequantizeLinear", operands, attrs, { name: `${name}.dequantized` });
  }
}

/** The axis of input 1 that counts outputs, for operators that have a weight there. */
function outputAxis(graph: Graph, node: Node): number | null {
  if (node.op === "Conv") return 0;
  if (node.op === "Gemm") return Number(node.attrs.transB ?? 0) === 1 ? 0 : 1;
  const weight = node.inputs[1];
  const matrix = node.op === "MatMul" && weight !== undefined && weight !== null;
  return matrix && valueById(graph, weight).type.shape.length === 2 ? 1 : null;
}
