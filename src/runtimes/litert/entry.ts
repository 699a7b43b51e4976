import { EspalierError } from "../../diagnostics/index.ts";
import { encodeTflite, type TfliteModel, type TfliteQuantization } from "../../formats/tflite/codec/index.ts";
import { DTYPES, type DType } from "../../tensor/index.ts";

/** A tensor at the boundary of a model, as the file declares it. */
export interface LiteRtTensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly quantization?: TfliteQuantization;
}

/** Inputs or outputs of the file's first subgraph. Throws EspalierError "unsupported" for an element type without a dtype. */
export function boundaryOf(model: TfliteModel, side: "inputs" | "outputs"): LiteRtTensorInfo[] {
  const { tensors, [side]: indices } = model.subgraphs[0]!;
  return indices.map((index) => {
    const { name, dtype, shape, quantization } = tensors[index]!;
    if (!(dtype in DTYPES)) {
      throw new EspalierError("unsupported", `Tensor ${JSON.stringify(name)} is ${dtype}, which Espalier cannot pass`, {
        where: side,
      });
    }
    return { name, dtype: dtype as DType, shape, ...(quantization === undefined ? {} : { quantization }) };
  });
}

/** The signature of the runtime that enters the first subgraph: the first that names it, or 0 in a file without any. */
export function entrySignature(model: TfliteModel): number {
  if (model.signatures.length === 0) return 0;
  const index = model.signatures.findIndex((signature) => signature.subgraph === 0);
  if (index < 0) throw new EspalierError("unsupported", "No signature of the file enters its first subgraph");
  return index;
}

/**
 * For each slot of the runtime, its position among the subgraph's inputs or outputs. A signature may list them in another
 * order (converters sort by name); a file without signatures has the subgraph's own.
 */
export function slotPositions(
  model: TfliteModel,
  signature: number,
  side: "inputs" | "outputs",
  names: readonly string[],
): number[] {
  const indices = model.subgraphs[0]![side];
  const entries = model.signatures[signature]?.[side];
  const positions = names.map((name, slot) => {
    const tensor = entries?.find((entry) => entry.name === name)?.tensor;
    return entries === undefined ? slot : indices.indexOf(tensor ?? -1);
  });
  const covered = new Set(positions);
  if (positions.length !== indices.length || covered.size !== indices.length || covered.has(-1)) {
    throw new EspalierError("unsupported", `The signature's ${side} [${names.join(", ")}] are not the subgraph's`, {
      hint: "Export the model with one signature that covers its first subgraph.",
    });
  }
  return positions;
}

/** The model with every dimension fixed at its static value: the runtime refuses a shape signature with a -1. */
export function withoutOpenShapes(model: TfliteModel): TfliteModel {
  const subgraphs = model.subgraphs.map((subgraph) => ({
    ...subgraph,
    tensors: subgraph.tensors.map(({ shapeSignature: _, ...tensor }) => tensor),
  }));
  return { ...model, subgraphs };
}

/** The bytes to run: the file's own unless it leaves a dimension open. */
export function staticBytes(model: TfliteModel, bytes: Uint8Array): Uint8Array {
  const open = model.subgraphs.some(({ tensors }) => tensors.some((tensor) => tensor.shapeSignature?.includes(-1)));
  return open ? encodeTflite(withoutOpenShapes(model)) : bytes;
}
