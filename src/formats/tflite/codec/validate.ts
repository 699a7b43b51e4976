import { EspalierError } from "../../../diagnostics/index.ts";
import type { TfliteDType, TfliteModel, TfliteOperator, TfliteSubgraph, TfliteTensor } from "./model.ts";

/** Bits of an element; null where a buffer's size does not follow from the shape. */
const ELEMENT_BITS: Readonly<Record<TfliteDType, number | null>> = {
  float32: 32,
  float16: 16,
  int32: 32,
  uint8: 8,
  int64: 64,
  string: null,
  bool: 8,
  int16: 16,
  complex64: 64,
  int8: 8,
  float64: 64,
  complex128: 128,
  uint64: 64,
  resource: null,
  variant: null,
  uint32: 32,
  uint16: 16,
  int4: 4,
  bfloat16: 16,
  int2: 2,
  uint4: 4,
  float8_e4m3fn: 8,
  float8_e5m2: 8,
};

/** Largest number of elements of one tensor: beyond it, byte offsets leave 2^53. */
const MAX_ELEMENTS = 2 ** 40;

/** Bytes of a dense tensor of the format (packed for 4 and 2 bits), or null for dtypes without a fixed size. */
export function tfliteByteLength(dtype: TfliteDType, shape: readonly number[]): number | null {
  const bits = ELEMENT_BITS[dtype];
  if (bits === null) return null;
  return Math.ceil((shape.reduce((size, dim) => size * dim, 1) * bits) / 8);
}

/** Throws EspalierError "input" unless every index is in range, constants fit their shapes and quantisation its axis. */
export function validateTflite(model: TfliteModel): void {
  if (model.version !== 3) {
    throw new EspalierError("unsupported", `Schema version is ${model.version}, Espalier reads 3`, {
      hint: "Convert the model again with a current converter.",
    });
  }
  if (model.subgraphs.length === 0) throw new EspalierError("input", "The file has no subgraph");
  model.subgraphs.forEach((subgraph, index) => {
    validateSubgraph(model, subgraph, `subgraph ${index}`);
  });
  for (const signature of model.signatures) {
    const where = `signature ${JSON.stringify(signature.key)}`;
    checkIndex("subgraph", signature.subgraph, model.subgraphs.length, where);
    const count = model.subgraphs[signature.subgraph]!.tensors.length;
    for (const entry of [...signature.inputs, ...signature.outputs]) checkIndex("tensor", entry.tensor, count, where);
  }
}

function validateSubgraph(model: TfliteModel, subgraph: TfliteSubgraph, place: string): void {
  const count = subgraph.tensors.length;
  subgraph.tensors.forEach((tensor, index) => {
    const where = `${place}, tensor ${index} ${JSON.stringify(tensor.name)}`;
    checkIndex("buffer", tensor.buffer, model.buffers.length, where);
    validateShape(tensor, where);
    validateConstant(tensor, model.buffers[tensor.buffer]!, where);
    validateQuantization(tensor, where);
  });
  for (const index of subgraph.inputs) checkIndex("tensor", index, count, `${place}, inputs`);
  for (const index of subgraph.outputs) checkIndex("tensor", index, count, `${place}, outputs`);
  subgraph.operators.forEach((operator, index) => {
    validateOperator(operator, count, model.subgraphs.length, `${place}, operator ${index} ${operator.opcode}`);
  });
}

function validateShape(tensor: TfliteTensor, where: string): void {
  let elements = 1;
  for (const dim of tensor.shape) {
    // -1 stands for an unknown dimension in files without shape_signature.
    if (!Number.isInteger(dim) || dim < -1) {
      throw new EspalierError("input", `Shape [${tensor.shape.join(", ")}] has a dimension of ${dim}`, { where });
    }
    elements *= Math.max(dim, 1);
  }
  if (elements > MAX_ELEMENTS) {
    throw new EspalierError("input", `Shape [${tensor.shape.join(", ")}] has ${elements} elements`, { where });
  }
  const signature = tensor.shapeSignature;
  if (signature !== undefined && signature.length !== tensor.shape.length) {
    throw new EspalierError("input", `Shape has ${tensor.shape.length} dimensions, its signature ${signature.length}`, {
      where,
    });
  }
}

function validateConstant(tensor: TfliteTensor, data: Uint8Array, where: string): void {
  if (data.length === 0 || tensor.sparsity !== undefined || tensor.quantization?.details !== undefined) return;
  const expected = tfliteByteLength(tensor.dtype, tensor.shape);
  if (expected !== null && data.length !== expected) {
    throw new EspalierError(
      "input",
      `A ${tensor.dtype} tensor of shape [${tensor.shape.join(", ")}] needs ${expected} bytes, its buffer has ${data.length}`,
      { where },
    );
  }
}

function validateQuantization(tensor: TfliteTensor, where: string): void {
  const quantization = tensor.quantization;
  if (quantization === undefined || quantization.scales.length === 0) return;
  const { scales, zeroPoints, quantizedDimension } = quantization;
  for (const scale of scales) {
    if (!(scale >= 0 && Number.isFinite(scale)))
      throw new EspalierError("input", `Scale ${scale} is not a finite positive number`, { where });
  }
  if (zeroPoints.length !== scales.length && zeroPoints.length !== 1) {
    throw new EspalierError("input", `${scales.length} scales go with ${zeroPoints.length} zero points`, { where });
  }
  if (scales.length === 1) return;
  const size = tensor.shape[quantizedDimension];
  if (size !== scales.length) {
    throw new EspalierError(
      "input",
      `${scales.length} scales along dimension ${quantizedDimension} of shape [${tensor.shape.join(", ")}]`,
      { where, hint: "The quantised dimension must be the axis of the output channels." },
    );
  }
}

function validateOperator(operator: TfliteOperator, tensors: number, subgraphs: number, where: string): void {
  if (operator.opcode === "CUSTOM" && (operator.customCode ?? "") === "") {
    throw new EspalierError("input", "A custom operator has no name", { where });
  }
  for (const index of [...operator.inputs, ...(operator.intermediates ?? [])]) {
    if (index !== -1) checkIndex("tensor", index, tensors, where);
  }
  for (const index of operator.outputs) checkIndex("tensor", index, tensors, where);
  for (const [field, value] of Object.entries(operator.options ?? {})) {
    if (/subgraph(Index)?$/i.test(field) && typeof value === "number" && value !== -1) {
      checkIndex("subgraph", value, subgraphs, where);
    }
  }
}

function checkIndex(what: string, index: number, count: number, where: string): void {
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new EspalierError("input", `Refers to ${what} ${index}, there are ${count}`, { where });
  }
}
