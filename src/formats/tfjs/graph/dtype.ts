import { EspalierError } from "../../../diagnostics/index.ts";
import type { DType } from "../../../tensor/index.ts";

/** What TensorFlow.js computes with where the file says another type (tfjs-converter, operation_mapper parseDtypeParam). */
const computed: Readonly<Record<string, DType>> = {
  DT_FLOAT: "float32",
  DT_HALF: "float32",
  DT_DOUBLE: "float32",
  DT_INT32: "int32",
  DT_INT64: "int32",
  DT_INT8: "int32",
  DT_UINT8: "int32",
  DT_BOOL: "bool",
};

/** The element type that a TensorFlow type has here. Throws EspalierError "unsupported" for strings and complex numbers. */
export function dtypeOfTf(type: string): DType {
  const dtype = Object.hasOwn(computed, type) ? computed[type] : undefined;
  if (dtype === undefined)
    throw new EspalierError(
      "unsupported",
      type === "DT_STRING"
        ? "Strings are not supported: no device target computes with them"
        : `The type ${type} is not supported`,
      { hint: `Supported: ${Object.keys(computed).join(", ")}.` },
    );
  return dtype;
}
