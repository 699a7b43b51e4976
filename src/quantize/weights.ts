import { type Tensor, tensor, toFloat32 } from "../tensor/index.ts";

/** int8 weights with zero point 0: real = scale[slice] * q. One scale a slice of `axis`, or one for all (`axis` null). */
export interface QuantizedWeight {
  readonly data: Tensor<"int8">;
  readonly scales: Float32Array;
  readonly axis: number | null;
}

/** Least scale of each slice that its bias needs to fit into int32 beside it: |bias| / (inputScale * 2^30). */
export function leastScales(bias: Float32Array | null, inputScale: number, slices: number): Float64Array {
  return Float64Array.from({ length: slices }, (_, i) =>
    bias === null ? 0 : Math.abs(bias[bias.length === 1 ? 0 : i]!) / (inputScale * 2 ** 30),
  );
}

/** How far and how finely a weight is rounded. */
export interface WeightOptions {
  /** Lower bounds of the scales, one a slice of `axis` (their greatest applies when one scale serves all). */
  readonly least?: ArrayLike<number>;
  /** Greatest |q|; default 127. */
  readonly levels?: number;
  /** The scales, one a slice; default: the largest magnitude of the slice over `levels`. */
  readonly scales?: ArrayLike<number> | undefined;
}

/** The slices of a weight: element i belongs to slice floor(i / inner) mod size. */
export function slicesOf(
  shape: readonly number[],
  axis: number | null,
): { readonly size: number; readonly inner: number } {
  const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  return axis === null
    ? { size: 1, inner: product(shape) }
    : { size: shape[axis]!, inner: product(shape.slice(axis + 1)) };
}

/** Largest magnitude of each slice of `axis`, or of the whole. */
export function peaksOf(weight: Tensor, axis: number | null): Float64Array {
  const values = toFloat32(weight);
  const { size, inner } = slicesOf(weight.shape, axis);
  const peaks = new Float64Array(size);
  for (let from = 0, at = 0; from < values.length; from += inner, at = (at + 1) % size) {
    let peak = peaks[at]!;
    for (let i = from; i < from + inner; i++) peak = Math.max(peak, Math.abs(values[i]!));
    peaks[at] = peak;
  }
  return peaks;
}

/**
 * Symmetric int8: scale = max |w| / 127, q = round(w / scale) in -127..127 (TFLite's specification excludes -128). With fewer levels or given scales
 * what lies beyond is cut off.
 */
export function quantizeWeight(weight: Tensor, axis: number | null, options: WeightOptions = {}): QuantizedWeight {
  const { least, levels = 127, scales: given } = options;
  const values = toFloat32(weight);
  const { size, inner } = slicesOf(weight.shape, axis);
  const floor = (at: number) => (least === undefined ? 0 : axis === null ? Math.max(...Array.from(least)) : least[at]!);
  const own = given ?? peaksOf(weight, axis).map((peak) => peak / levels);
  // A slice of zeros may have any scale; 1/127 is one that no multiplier overflows with.
  const scales = Float32Array.from(own, (scale, at) => Math.max(scale, floor(at)) || 1 / 127);
  const data = new Int8Array(values.length);
  for (let from = 0, at = 0; from < values.length; from += inner, at = (at + 1) % size) {
    const scale = scales[at]!;
    for (let i = from; i < from + inner; i++)
      data[i] = Math.max(-levels, Math.min(levels, Math.round(values[i]! / scale)));
  }
  return { data: tensor("int8", weight.shape, data), scales, axis };
}

/** int32 bias at scale input scale x weight scale, zero point 0 (TFLite quantisation specification). */
export function quantizeBias(
  bias: Float32Array,
  inputScale: number,
  weightScales: Float32Array,
): { data: Tensor<"int32">; scales: Float32Array } {
  const scales = weightScales.map((scale) => Math.fround(scale * inputScale));
  const data = Int32Array.from(bias, (value, i) => {
    const q = Math.round(value / scales[scales.length === 1 ? 0 : i]!);
    return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, q));
  });
  return { data: tensor("int32", [bias.length], data), scales };
}
