import { EspalierError } from "../diagnostics/index.ts";
import { shapeText } from "../ir/index.ts";
import { DTYPES, dtypeFromOnnx, float32 } from "../tensor/index.ts";
import { int, tensorValue } from "./attributes.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

/** A constant input that states sizes; refuses negative ones. */
export function statedShape(c: OpContext<unknown>, i: number): number[] {
  const shape = c.ints(i);
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 0))
    throw new EspalierError("input", `${c.op} states the shape ${shapeText(shape)}: sizes must be at least 0`);
  return shape;
}

/** Bounds of the axes that a Shape lists: negative ones count from the end, both are clamped (ONNX Shape-15). */
export function shapeBounds(attrs: { readonly start: number; readonly end: number }, rank: number): [number, number] {
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + rank : at, 0), rank);
  const start = clamp(attrs.start);
  return [start, Math.max(start, clamp(attrs.end))];
}

/** The sizes of axes start (included) to end (excluded), int64; no end: through the last. */
export const Shape = defineOp({
  attrs: { end: int(Number.MAX_SAFE_INTEGER), start: int(0) },
  inputs: [1, 1],
  kind: "movement",
  infer: (c) => {
    const [start, end] = shapeBounds(c.attrs, c.shape(0).length);
    return [typed("int64", [end - start])];
  },
  couple: "frozen",
  gradient: "not-differentiable",
});

/** The number of elements, an int64 scalar. */
export const Size = defineOp({
  attrs: {},
  inputs: [1, 1],
  kind: "movement",
  infer: () => [typed("int64", [])],
  couple: "frozen",
  gradient: "not-differentiable",
});

/** A tensor of the stated shape (a constant) filled with `value`, a tensor of one element; default: float32 0. */
export const ConstantOfShape = defineOp({
  attrs: { value: tensorValue(float32([1], [0])) },
  inputs: [1, 1],
  kind: "movement",
  infer: (c) => {
    const { value } = c.attrs;
    if (value.data.length !== 1)
      throw new EspalierError("input", `ConstantOfShape needs one value, got ${value.data.length}`);
    return [typed(value.dtype, statedShape(c, 0))];
  },
  couple: "frozen",
  gradient: "not-differentiable",
});

/** Number of elements of a Range: ceil((limit - start) / delta), none below 0 (ONNX Range-11). */
export function rangeLength(start: number, limit: number, delta: number): number {
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isSafeInteger(count))
    throw new EspalierError("input", `Range from ${start} to ${limit} in steps of ${delta} has no end`);
  return count;
}

/** start, start + delta ... below limit; all three are constant scalars. */
export const Range = defineOp({
  attrs: {},
  inputs: [3, 3],
  kind: "movement",
  infer: (c) => {
    const [start, limit, delta] = [0, 1, 2].map((i) => {
      const values = c.numbers(i);
      if (values.length !== 1)
        throw new EspalierError("input", `Range needs input ${i} to be one number, got ${values.length}`);
      return values[0]!;
    });
    return [typed(c.type(0).dtype, [rangeLength(start!, limit!, delta!)])];
  },
  couple: "frozen",
  gradient: "not-differentiable",
});

/** A window of `size` samples (a constant scalar); periodic: for spectra, else symmetric. */
function windowFunction() {
  return defineOp({
    attrs: { output_datatype: int(1), periodic: int(1) },
    inputs: [1, 1],
    kind: "movement",
    infer: (c) => [typed(generatedType(c.op, c.attrs.output_datatype), statedScalar(c, 0))],
    couple: "frozen",
    gradient: "not-differentiable",
  });
}

function statedScalar(c: OpContext<unknown>, i: number): number[] {
  const values = statedShape(c, i);
  if (values.length !== 1)
    throw new EspalierError("input", `${c.op} needs input ${i} to be one number, got ${values.length}`);
  return values;
}

function generatedType(op: string, code: number) {
  const dtype = dtypeFromOnnx(code);
  if (dtype === null)
    throw new EspalierError("unsupported", `${op} makes ONNX data type ${code}, which is not supported`, {
      hint: `Supported: ${Object.keys(DTYPES).join(", ")}.`,
    });
  return dtype;
}

/** 0.5 - 0.5 cos(2 pi n / M) (ONNX HannWindow-17). */
export const HannWindow = windowFunction();
/** 25/46 - 21/46 cos(2 pi n / M) (ONNX HammingWindow-17). */
export const HammingWindow = windowFunction();
/** 0.42 - 0.5 cos(2 pi n / M) + 0.08 cos(4 pi n / M) (ONNX BlackmanWindow-17). */
export const BlackmanWindow = windowFunction();

/**
 * Weights [dft_length / 2 + 1, num_mel_bins] that turn a spectrum into a mel spectrum (ONNX MelWeightMatrix-17); inputs, all constant scalars:
 * num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz.
 */
export const MelWeightMatrix = defineOp({
  attrs: { output_datatype: int(1) },
  inputs: [5, 5],
  kind: "movement",
  infer: (c) => {
    const [bins, length] = [statedScalar(c, 0)[0]!, statedScalar(c, 1)[0]!];
    return [typed(generatedType(c.op, c.attrs.output_datatype), [Math.floor(length / 2) + 1, bins])];
  },
  couple: "frozen",
  gradient: "not-differentiable",
});
