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

/**
 * Symmetric int8: scale = max |w| / 127, q = round(w / scale) in -127..127 (TFLite's specification excludes -128). `least`
 * are lower bounds of the scales, one a slice of `axis` (their greatest applies when one scale serves all).
 */
export function quantizeWeight(weight: Tensor, axis: number | null, least?: ArrayLike<number>): QuantizedWeight {
  const values = toFloat32(weight);
  const size = axis === null ? 1 : weight.shape[axis]!;
  const inner = axis === null ? values.length : weight.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const peaks = new Float64Array(size);
  for (let from = 0, at = 0; from < values.length; from += inner, at = (at + 1) % size) {
    let peak = peaks[at]!;
    for (let i = from; i < from + inner; i++) peak = Math.max(peak, Math.abs(values[i]!));
    peaks[at] = peak;
  }
  const floor = (at: number) => (least === undefined ? 0 : axis === null ? Math.max(...Array.from(least)) : least[at]!);
  // A slice of zeros may have any scale; 1/127 is one that no multiplier overflows with.
  const scales = Float32Array.from(peaks, (peak, at) => Math.max(peak / 127, floor(at)) || 1 / 127);
  const data = new Int8Array(values.length);
  for (let from = 0, at = 0; from < values.length; from += inner, at = (at + 1) % size) {
    const scale = scales[at]!;
    for (let i = from; i < from + inner; i++) data[i] = Math.max(-127, Math.min(127, Math.round(values[i]! / scale)));
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
