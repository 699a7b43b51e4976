/** Element types of tensors: byte size, storage class and ONNX's TensorProto.DataType number (onnx.proto, enum DataType). */
export const DTYPES = {
  float32: { bytes: 4, array: Float32Array, onnx: 1, float: true, signed: true },
  uint8: { bytes: 1, array: Uint8Array, onnx: 2, float: false, signed: false },
  int8: { bytes: 1, array: Int8Array, onnx: 3, float: false, signed: true },
  uint16: { bytes: 2, array: Uint16Array, onnx: 4, float: false, signed: false },
  int16: { bytes: 2, array: Int16Array, onnx: 5, float: false, signed: true },
  int32: { bytes: 4, array: Int32Array, onnx: 6, float: false, signed: true },
  int64: { bytes: 8, array: BigInt64Array, onnx: 7, float: false, signed: true },
  bool: { bytes: 1, array: Uint8Array, onnx: 9, float: false, signed: false },
  /** Raw IEEE 754 binary16 bit patterns. */
  float16: { bytes: 2, array: Uint16Array, onnx: 10, float: true, signed: true },
  float64: { bytes: 8, array: Float64Array, onnx: 11, float: true, signed: true },
  uint32: { bytes: 4, array: Uint32Array, onnx: 12, float: false, signed: false },
  uint64: { bytes: 8, array: BigUint64Array, onnx: 13, float: false, signed: false },
} as const;

/** The name of an element type. */
export type DType = keyof typeof DTYPES;

interface ArrayOf {
  readonly float32: Float32Array;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly uint16: Uint16Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly bool: Uint8Array;
  readonly float16: Uint16Array;
  readonly float64: Float64Array;
  readonly uint32: Uint32Array;
  readonly uint64: BigUint64Array;
}

/** The typed array that stores a dtype. */
export type DTypeArray<D extends DType> = ArrayOf[D];

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

const byOnnx = new Map<number, DType>(Object.entries(DTYPES).map(([name, spec]) => [spec.onnx, name as DType]));

/** The dtype with an ONNX DataType number, or null when Espalier has none for it (strings, complex, 4-bit...). */
export function dtypeFromOnnx(code: number): DType | null {
  return byOnnx.get(code) ?? null;
}
