import { EspalierError } from "../../diagnostics/index.ts";
import { allocate, DTYPES, sizeOf, stridesOf, type Tensor, type TypedArray, tensor } from "../../tensor/index.ts";
import type { SparseTensorProto } from "./codec/generated/onnx_pb.ts";
import type { ExternalFiles } from "./external.ts";
import { readTensor, shapeFrom } from "./tensors.ts";

/** What dense copies of sparse tensors may take together: a megabyte, and this many times the file. */
const growth = 16;

/** Bytes that dense copies of sparse tensors may still take; shared by all of a file. */
export class DenseBudget {
  readonly #most: number;
  #left: number;

  constructor(fileBytes: number) {
    this.#most = 2 ** 20 + growth * fileBytes;
    this.#left = this.#most;
  }

  take(bytes: number, where: string): void {
    this.#left -= bytes;
    if (this.#left < 0)
      throw new EspalierError(
        "input",
        `The sparse tensors of this file take more than ${this.#most} bytes when dense`,
        {
          where,
          hint: "Store these weights densely.",
        },
      );
  }
}

/** The dense tensor of a sparse one (onnx.proto, SparseTensorProto: indices of rank 1 are into the flat tensor, of rank 2 one row an element). */
export function readSparse(proto: SparseTensorProto, where: string, files: ExternalFiles, budget: DenseBudget): Tensor {
  if (proto.values === undefined || proto.indices === undefined)
    throw new EspalierError("input", "A sparse tensor has no values or no indices", { where });
  const shape = shapeFrom(proto.dims, where);
  const values = readTensor(proto.values, where, files);
  const indices = readTensor(proto.indices, where, files);
  const wide = indices.shape.length === 2;
  const perValue = wide ? shape.length : 1;
  if (indices.dtype !== "int64" || values.data.length * perValue !== indices.data.length)
    throw new EspalierError(
      "input",
      `A sparse tensor of ${values.data.length} values has ${indices.dtype} indices of shape [${indices.shape.join(", ")}]`,
      { where },
    );
  const size = sizeOf(shape);
  budget.take(size * DTYPES[values.dtype].bytes, where);
  const data = allocate(values.dtype, size) as TypedArray;
  const strides = wide ? stridesOf(shape) : [1];
  const bounds = wide ? shape : [size];
  for (let i = 0; i < values.data.length; i++) {
    let at = 0;
    for (let axis = 0; axis < perValue; axis++) {
      const index = Number(indices.data[i * perValue + axis]);
      if (!(index >= 0 && index < bounds[axis]!))
        throw new EspalierError("input", `Index ${index} of a sparse tensor is outside shape [${shape.join(", ")}]`, {
          where,
        });
      at += index * strides[axis]!;
    }
    data[at] = values.data[i] as never;
  }
  return tensor(values.dtype, shape, data as never);
}
