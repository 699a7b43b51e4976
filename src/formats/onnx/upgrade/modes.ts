import { DTYPES } from "../../../tensor/index.ts";
import { elementTypeName, valueType } from "../element-types.ts";
import type { Upgrade } from "../file-node.ts";

/** Cast took the name of its type before opset 6; types that the IR widens are cast to what they are read as. */
export const cast: Upgrade = (node) => {
  const { to } = node.attrs;
  const code =
    typeof to === "string"
      ? (Object.values(DTYPES).find((spec) => elementTypeName(spec.onnx) === namesBefore6[to])?.onnx ?? 0)
      : node.number("to", 0);
  node.attrs.to = DTYPES[valueType(code, node.where)].onnx;
};

/** TensorProto.DataType's names, by which Cast-1 told its type. */
const namesBefore6: Readonly<Record<string, string>> = {
  FLOAT: "float32",
  DOUBLE: "float64",
  FLOAT16: "float16",
  BOOL: "bool",
  INT8: "int8",
  UINT8: "uint8",
  INT16: "int16",
  UINT16: "uint16",
  INT32: "int32",
  UINT32: "uint32",
  INT64: "int64",
  UINT64: "uint64",
};

/** ONNX GridSample-20 renamed its modes. */
export const gridSample: Upgrade = (node) => {
  if (node.opset < 20) node.attrs.mode = node.text("mode", "bilinear").replace(/^bi/, "");
};

/** ONNX RoiAlign-16 moved the regions by half a pixel; before, they were not. */
export const roiAlign: Upgrade = (node) => {
  if (node.opset < 16) node.attrs.coordinate_transformation_mode = "output_half_pixel";
};

/** Scatter was renamed by opset 11. */
export const scatter: Upgrade = (node) => {
  node.op = "ScatterElements";
};

/** Before opset 13 the input was flattened to 2-D at `axis`, by default 1; the decomposition does it where it matters. */
export const softmaxAxis: Upgrade = (node) => {
  if (node.opset < 13) node.attrs.axis ??= 1;
};

/** Recurrent operators listed `output_sequence` before opset 7; states that start at zero, as they do by default, need not be said. */
export const recurrent: Upgrade = (node) => {
  node.take("output_sequence");
  for (const i of [5, 6]) {
    const data = node.data(node.optional(i));
    const values: ArrayLike<number | bigint> | undefined = data?.data;
    if (values !== undefined && Array.prototype.every.call(values, (value) => Number(value) === 0))
      node.inputs[i] = null;
  }
};
