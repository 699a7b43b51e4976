import { EspalierError } from "../diagnostics/index.ts";
import { broadcastShapes, productOf, shapeText } from "../ir/index.ts";
import { float, int } from "./attributes.ts";
import { coupleGemm, coupleMatMul } from "./coupling-matmul.ts";
import * as gradient from "./gradient-matmul.ts";
import { defineOp, typed } from "./spec.ts";

/** alpha * A' * B' + beta * C (ONNX Gemm-13). */
export const Gemm = defineOp({
  attrs: { alpha: float(1), beta: float(1), transA: int(0), transB: int(0) },
  inputs: [2, 3],
  kind: "matmul",
  infer: (c) => {
    const a = c.ranked(0, 2);
    const b = c.ranked(1, 2);
    const [m, k] = c.attrs.transA ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
    const [k2, n] = c.attrs.transB ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
    if (k !== k2)
      throw new EspalierError(
        "input",
        `Gemm multiplies ${shapeText(a)} by ${shapeText(b)}: inner sizes ${k} and ${k2} differ`,
      );
    if (c.has(2)) broadcastShapes([[m, n], c.shape(2)]);
    return [typed(c.type(0).dtype, [m, n])];
  },
  macs: (c, [y]) => {
    const out = productOf([...y!.shape, c.attrs.transA ? c.shape(0)[0]! : c.shape(0)[1]!]);
    return out;
  },
  couple: coupleGemm,
  gradient: gradient.gemm,
});

/** numpy.matmul over the last two axes, batch axes broadcast (ONNX MatMul-13). */
export const MatMul = defineOp({
  attrs: {},
  inputs: [2, 2],
  kind: "matmul",
  infer: (c) => {
    const a = c.ranked(0, 1, 8);
    const b = c.ranked(1, 1, 8);
    const left = a.length === 1 ? [1, a[0]!] : a;
    const right = b.length === 1 ? [b[0]!, 1] : b;
    const k = left[left.length - 1]!;
    const k2 = right[right.length - 2]!;
    if (k !== k2)
      throw new EspalierError(
        "input",
        `MatMul multiplies ${shapeText(a)} by ${shapeText(b)}: inner sizes ${k} and ${k2} differ`,
      );
    const batch = broadcastShapes([left.slice(0, -2), right.slice(0, -2)]);
    const rows = a.length === 1 ? [] : [left[left.length - 2]!];
    const columns = b.length === 1 ? [] : [right[right.length - 1]!];
    return [typed(c.type(0).dtype, [...batch, ...rows, ...columns])];
  },
  macs: (c, [y]) => {
    const a = c.shape(0);
    return productOf([...y!.shape, a[a.length - 1]!]);
  },
  couple: coupleMatMul,
  gradient: gradient.matMul,
});
