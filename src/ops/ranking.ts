import { EspalierError } from "../diagnostics/index.ts";
import { normalAxis, shapeText, staticDim } from "../ir/index.ts";
import { toInts } from "../tensor/index.ts";
import { int } from "./attributes.ts";
import { coupleOneHot, coupleTopK } from "./coupling-indexing.ts";
import { coupleOpaque } from "./coupling-rule.ts";
import * as gradient from "./gradient-ranking.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

/** The single number of a constant input that is a scalar or a vector of one. */
function oneInt(c: OpContext<unknown>, input: number, what: string): number {
  const values = c.ints(input);
  if (values.length !== 1)
    throw new EspalierError("input", `${what} of ${c.op} must be one number, got ${shapeText(c.shape(input))}`);
  return values[0]!;
}

/** The k greatest (or smallest) elements along an axis and their positions; k (input 1) is a constant (ONNX TopK-11). */
export const TopK = defineOp({
  attrs: { axis: int(-1), largest: int(1), sorted: int(1) },
  inputs: [2, 2],
  kind: "reduce",
  infer: (c) => {
    if (c.outputCount !== 2)
      throw new EspalierError("input", `TopK has two outputs, values and positions, ${c.outputCount} was asked for`);
    const x = c.shape(0);
    const axis = normalAxis(c.attrs.axis, x.length);
    const k = oneInt(c, 1, "The count");
    const size = staticDim(x[axis], "The size of the axis of TopK");
    if (k < 0 || k > size)
      throw new EspalierError("input", `TopK cannot take ${k} of ${size} elements on axis ${axis} of ${shapeText(x)}`);
    const shape = x.map((dim, i) => (i === axis ? k : dim));
    return [typed(c.type(0).dtype, shape), typed("int64", shape)];
  },
  couple: coupleTopK,
  gradient: gradient.topK,
});

/** Vectors of `depth` (a constant) elements: values[1] at the index, values[0] elsewhere (ONNX OneHot-11); inputs indices, depth, values. */
export const OneHot = defineOp({
  attrs: { axis: int(-1) },
  inputs: [3, 3],
  kind: "movement",
  infer: (c) => {
    const shape = [...c.shape(0)];
    const depth = oneInt(c, 1, "The depth");
    if (depth < 1) throw new EspalierError("input", `OneHot needs a depth of at least 1, got ${depth}`);
    const values = c.ranked(2, 1);
    if (values[0] !== 2)
      throw new EspalierError("input", `OneHot needs two values, off and on, got a tensor of ${shapeText(values)}`);
    shape.splice(normalAxis(c.attrs.axis, shape.length + 1), 0, depth);
    return [typed(c.type(2).dtype, shape)];
  },
  couple: coupleOneHot,
  gradient: gradient.oneHot,
});

/** Running sum along the axis that input 1 states; `exclusive` leaves the element itself out, `reverse` runs from the end (ONNX CumSum-14). */
export const CumSum = defineOp({
  attrs: { exclusive: int(0), reverse: int(0) },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    if (c.inputs[1]?.data !== undefined) normalAxis(oneInt(c, 1, "The axis"), c.shape(0).length);
    return [c.type(0)];
  },
  couple: (c) => {
    const rank = c.facts.shape(0).length;
    const data = c.facts.inputs[1]?.data;
    coupleOpaque(c, data === undefined ? c.facts.shape(0).map((_, i) => i) : [normalAxis(toInts(data)[0]!, rank)]);
  },
  gradient: gradient.cumSum,
});

/** The upper (or lower) triangle of the last two axes, zero elsewhere; input 1 shifts the diagonal (ONNX Trilu-14). */
export const Trilu = defineOp({
  attrs: { upper: int(1) },
  inputs: [1, 2],
  kind: "movement",
  infer: (c) => {
    c.ranked(0, 2, 16);
    return [c.type(0)];
  },
  couple: (c) => {
    const rank = c.facts.shape(0).length;
    coupleOpaque(c, [rank - 2, rank - 1]);
  },
  gradient: gradient.trilu,
});
