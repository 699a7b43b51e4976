import { EspalierError } from "../diagnostics/index.ts";
import { shapeText } from "../ir/index.ts";
import { DTYPES, dtypeFromOnnx } from "../tensor/index.ts";
import { int } from "./attributes.ts";
import { OPAQUE } from "./coupling-rule.ts";
import { zeroRule } from "./gradient-elementwise.ts";
import { checkElements } from "./pointwise.ts";
import { defineOp, typed } from "./spec.ts";

/** Ones on diagonal k of a matrix as large as input 0, zeros elsewhere; `dtype` 0 takes the input's (ONNX EyeLike-9). */
export const EyeLike = defineOp({
  attrs: { dtype: int(0), k: int(0) },
  inputs: [1, 1],
  kind: "movement",
  infer: (c) => {
    const shape = c.ranked(0, 2);
    const dtype = c.attrs.dtype === 0 ? c.type(0).dtype : dtypeFromOnnx(c.attrs.dtype);
    if (dtype === null)
      throw new EspalierError("unsupported", `EyeLike of ONNX data type ${c.attrs.dtype} is not supported`, {
        hint: `Supported: ${Object.keys(DTYPES).join(", ")}.`,
      });
    return [typed(dtype, shape)];
  },
  couple: "frozen",
  // The elements of the input are not read.
  gradient: zeroRule,
});

/** Determinants of the matrices in the last two axes (ONNX Det-11). */
export const Det = defineOp({
  attrs: {},
  inputs: [1, 1],
  kind: "reduce",
  infer: (c) => {
    checkElements(c, 0, "float");
    const x = c.ranked(0, 2, 16);
    if (x[x.length - 2] !== x[x.length - 1])
      throw new EspalierError("input", `Det needs square matrices, got ${shapeText(x)}`);
    return [typed(c.type(0).dtype, x.slice(0, -2))];
  },
  couple: (c) => {
    const rank = c.facts.shape(0).length;
    c.join([{ input: 0, axes: c.facts.shape(0).map((_, i) => (i < rank - 2 ? i : OPAQUE)) }]);
  },
  // det(x) x^-T: there is no operator that inverts a matrix.
  gradient: "not-written",
});
