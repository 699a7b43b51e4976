import { EspalierError } from "../diagnostics/index.ts";
import type { TfliteModel } from "../formats/tflite/codec/index.ts";
import { DTYPES, type DType, sizeOf } from "../tensor/index.ts";
import type { RunnerPort } from "./model-runner.ts";

/** The inputs or outputs of a file's first subgraph; a size of -1 in its shape signature is open, named by its place. */
export function tflitePorts(model: TfliteModel, side: "inputs" | "outputs"): RunnerPort[] {
  const { tensors, [side]: indices } = model.subgraphs[0]!;
  return indices.map((index, i) => {
    const { name, dtype, shape, shapeSignature, quantization } = tensors[index]!;
    if (!Object.hasOwn(DTYPES, dtype))
      throw new EspalierError("unsupported", `Tensor ${JSON.stringify(name)} is ${dtype}, which Espalier cannot pass`, {
        where: side,
      });
    const port: RunnerPort = {
      name,
      dtype: dtype as DType,
      shape: shape.map((dim, axis) => (shapeSignature?.[axis] === -1 ? `${side} ${i}:${axis}` : dim)),
    };
    if (quantization === undefined || quantization.scales.length !== 1) return port;
    return { ...port, quantization: { scale: quantization.scales[0]!, zeroPoint: quantization.zeroPoints[0] ?? 0 } };
  });
}

/**
 * The model with other sizes at its inputs, for an interpreter that computes all other shapes from them. Refuses a size
 * where the file states one.
 */
export function withInputShapes(model: TfliteModel, shapes: readonly (readonly number[] | undefined)[]): TfliteModel {
  const [entry, ...others] = model.subgraphs;
  const tensors = [...entry!.tensors];
  for (const [i, index] of entry!.inputs.entries()) {
    const { shapeSignature: signature, ...tensor } = tensors[index]!;
    const wanted = shapes[i] ?? tensor.shape;
    const fits =
      wanted.length === tensor.shape.length &&
      wanted.every((dim, axis) => dim === tensor.shape[axis] || signature?.[axis] === -1 || tensor.shape[axis] === 0);
    if (!fits || sizeOf(wanted) > 2 ** 28)
      throw new EspalierError(
        "usage",
        `Input "${tensor.name}" is [${tensor.shape.join(", ")}], not [${wanted.join(", ")}]`,
      );
    tensors[index] = { ...tensor, shape: wanted };
  }
  return { ...model, subgraphs: [{ ...entry!, tensors }, ...others] };
}
