import { EspalierError } from "../../diagnostics/index.ts";
import { DTYPES, type DType, dtypeFromOnnx } from "../../tensor/index.ts";

/** How a file stores an element type that the IR has no dtype for: each becomes the smallest dtype that holds all its values. */
export type Packing = "bfloat16" | "int4" | "uint4";

/** An element type of a file: the IR's dtype, and how the bytes are packed when that differs. */
export interface ElementType {
  readonly dtype: DType;
  readonly packing: Packing | null;
}

/** ONNX DataType numbers (onnx.proto, enum TensorProto.DataType) without a dtype of the same name in the IR. */
const NAMES: Readonly<Record<number, string>> = {
  0: "undefined",
  8: "string",
  14: "complex64",
  15: "complex128",
  16: "bfloat16",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
  24: "float8e8m0",
  25: "uint2",
  26: "int2",
};

const PACKED: Readonly<Record<number, ElementType>> = {
  16: { dtype: "float32", packing: "bfloat16" },
  21: { dtype: "uint8", packing: "uint4" },
  22: { dtype: "int8", packing: "int4" },
};

/** The name of an ONNX DataType number. */
export function elementTypeName(code: number): string {
  return dtypeFromOnnx(code) ?? NAMES[code] ?? `number ${code}`;
}

/** The element type with an ONNX DataType number; one that the IR cannot hold is refused by its name. */
export function elementType(code: number, where: string): ElementType {
  const dtype = dtypeFromOnnx(code);
  if (dtype !== null) return { dtype, packing: null };
  const packed = PACKED[code];
  if (packed !== undefined) return packed;
  throw new EspalierError("unsupported", `The element type ${elementTypeName(code)} is not supported`, {
    where,
    hint: `Export the model with one of: ${[...Object.keys(DTYPES), "bfloat16"].join(", ")} (weights also int4, uint4).`,
  });
}

/** The element type of values that a running model hands on: 4-bit integers are only for stored weights. */
export function valueType(code: number, where: string): DType {
  const { dtype, packing } = elementType(code, where);
  if (packing === "int4" || packing === "uint4")
    throw new EspalierError("unsupported", `Values of the element type ${packing} are not supported`, {
      where,
      hint: "4-bit integers are read as weights behind DequantizeLinear only; keep computed values in int8.",
    });
  return dtype;
}

/** Whether a DataType number is one of 4 bits, which the IR holds in 8. */
export function isNarrow(code: number): boolean {
  const packing = PACKED[code]?.packing;
  return packing === "int4" || packing === "uint4";
}
