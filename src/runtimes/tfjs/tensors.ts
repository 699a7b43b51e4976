import type * as tf from "@tensorflow/tfjs-core";
import { EspalierError } from "../../diagnostics/index.ts";
import type { DType, Tensor } from "../../tensor/index.ts";

/** An input or output as TensorFlow.js states it; sizes are null where the model leaves them open, the shape where its rank is. */
export interface TfjsTensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | null)[] | null;
}

/** Types that TensorFlow.js and Espalier share. */
const shared: readonly DType[] = ["float32", "int32", "bool"];

/** The element type by TF.js's name. Throws EspalierError "unsupported" for strings and complex numbers. */
export function dtypeFromTfjs(dtype: string): DType {
  const found = shared.find((candidate) => candidate === dtype);
  if (found === undefined) throw new EspalierError("unsupported", `Tensors of type ${dtype} are not supported`);
  return found;
}

export function toTfjs(core: typeof tf, t: Tensor): tf.Tensor {
  if (!shared.includes(t.dtype))
    throw new EspalierError("usage", `TensorFlow.js has no tensors of type ${t.dtype}`, {
      hint: `It has ${shared.join(", ")}.`,
    });
  return core.tensor(t.data as Float32Array | Int32Array | Uint8Array, [...t.shape], t.dtype as tf.DataType);
}

/** A copy of a tensor's values. */
export async function fromTfjs(t: tf.Tensor): Promise<Tensor> {
  const dtype = dtypeFromTfjs(t.dtype);
  const data = await t.data();
  const shape = [...t.shape];
  if (dtype === "float32") return { dtype, shape, data: Float32Array.from(data) };
  return dtype === "int32"
    ? { dtype, shape, data: Int32Array.from(data) }
    : { dtype, shape, data: Uint8Array.from(data) };
}
