import { EspalierError } from "../../diagnostics/index.ts";

/** A tensor of a .tflite file, as far as memory is concerned. */
export interface MicroTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Element type in lower case: "int8", "float32", "int4"... */
  readonly dtype: string;
  /** Index into MicroModel.buffers; a tensor whose buffer is empty is computed, not constant. */
  readonly buffer: number;
  readonly quantization?: { readonly scales: readonly number[]; readonly zeroPoints: readonly number[] };
  readonly isVariable?: boolean;
}

export interface MicroOperator {
  /** Name in TFLite's enumeration BuiltinOperator: "CONV_2D"... */
  readonly opcode: string;
  readonly customCode?: string;
  /** Indices into the subgraph's tensors; -1 is an absent operand. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options?: { readonly type: string };
  readonly intermediates?: readonly number[];
}

export interface MicroSubgraph {
  readonly tensors: readonly MicroTensor[];
  readonly operators: readonly MicroOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/**
 * What the memory planner reads of a .tflite file: a structural subset of the decoded model, so that the result of `decodeTflite`, or the model that is
 * about to be encoded, can be passed as it is.
 */
export interface MicroModel {
  readonly subgraphs: readonly MicroSubgraph[];
  readonly buffers: readonly Uint8Array[];
  readonly metadata?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** Bytes of one element as TFLM stores it: int4 is unpacked, one byte each. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float64: 8,
  int4: 1,
  int8: 1,
  uint8: 1,
  bool: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  complex64: 8,
  resource: 4,
};

/** Product of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of one element. Throws `unsupported` for a type without a fixed size (strings, variants). */
export function elementBytes(tensor: MicroTensor): number {
  const bytes = ELEMENT_BYTES[tensor.dtype];
  if (bytes === undefined) {
    throw new EspalierError("unsupported", `Elements of type ${tensor.dtype} have no fixed size`, {
      where: `tensor ${tensor.name}`,
      hint: "Convert the tensor to a numeric type.",
    });
  }
  return bytes;
}

/** Bytes of a tensor in RAM: its static shape times its element size. */
export function tensorBytes(tensor: MicroTensor): number {
  return elementCount(tensor.shape) * elementBytes(tensor);
}

/** True when the file holds the tensor's data, which is then read in place from flash. */
export function isConstant(model: MicroModel, tensor: MicroTensor): boolean {
  return (model.buffers[tensor.buffer]?.byteLength ?? 0) > 0;
}

/** Number of scales when the tensor is quantised (it has scales and zero points), else 0. */
export function scaleCount(tensor: MicroTensor): number {
  const { quantization } = tensor;
  return quantization !== undefined && quantization.zeroPoints.length > 0 ? quantization.scales.length : 0;
}

/** Numeric option of an operator's options table, or the given default where the file leaves it out. */
export function numberOption(operator: MicroOperator, field: string, fallback: number): number {
  const value = (operator.options as Readonly<Record<string, unknown>> | undefined)?.[field];
  return typeof value === "number" ? value : fallback;
}

/** Any option of an operator's options table. */
export function option(operator: MicroOperator, field: string): unknown {
  return (operator.options as Readonly<Record<string, unknown>> | undefined)?.[field];
}
