import { EspalierError } from "../../diagnostics/index.ts";
import { type Graph, type Node, type ValueId, valueById } from "../../ir/index.ts";
import type { DType, Tensor } from "../../tensor/index.ts";
import type { TfliteQuantization } from "./codec/index.ts";
import { statedQuantization, wide } from "./quantization.ts";

/** Whether values of an element type may stand for real numbers in a graph's activations. */
export function isQuantizable(dtype: DType): boolean {
  return dtype === "int8" || dtype === "uint8" || dtype === "int16";
}

function constant(graph: Graph, id: ValueId | null | undefined, node: Node): Tensor | undefined {
  if (id === undefined || id === null) return undefined;
  const { data } = valueById(graph, id);
  if (data === undefined)
    throw new EspalierError("unsupported", `${node.op} with a computed scale or zero point has no TFLite form`, {
      where: `node "${node.name}"`,
    });
  return data;
}

/**
 * The quantisation that a QuantizeLinear or DequantizeLinear states for its integers, as TFLite carries them: uint8 as int8
 * with the zero point 128 lower, int16 with a zero point of 0. Throws EspalierError "unsupported" for others.
 */
export function statedBy(graph: Graph, node: Node): TfliteQuantization {
  const x = valueById(graph, node.op === "QuantizeLinear" ? node.outputs[0]! : node.inputs[0]!);
  const { dtype } = x.type;
  if (!isQuantizable(dtype) && (dtype !== "int32" || x.data === undefined)) {
    throw new EspalierError("unsupported", `Quantisation to ${dtype} has no TFLite form here`, {
      where: `node "${node.name}"`,
      hint: "Quantise activations to int8, uint8 or int16, weights to int8 or uint8, biases to int32.",
    });
  }
  const axis = Number(node.attrs.axis ?? 1);
  const [scale, zeroPoint] = [constant(graph, node.inputs[1], node)!, constant(graph, node.inputs[2], node)];
  const stated = statedQuantization(scale, zeroPoint, axis < 0 ? axis + x.type.shape.length : axis);
  if (dtype === "int16") return symmetric(stated, node);
  if (dtype !== "uint8") return stated;
  return { ...stated, zeroPoints: stated.zeroPoints.map((point) => point - 128) };
}

function symmetric(stated: TfliteQuantization, node: Node): TfliteQuantization {
  const point = stated.zeroPoints.find((zero) => zero !== 0);
  if (point === undefined) return wide(stated);
  throw new EspalierError("unsupported", `int16 with a zero point of ${point} has no TFLite form`, {
    where: `node "${node.name}"`,
    hint: "Quantise int16 activations symmetrically.",
  });
}
