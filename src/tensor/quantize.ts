import type { DType, TypedArray } from "./dtype.ts";
import { allocate, type Tensor, tensor } from "./tensor.ts";

/** Ranges of the integer types that quantised tensors use. */
const RANGE: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
};

/** Nearest integer, ties to even (IEEE 754 roundTiesToEven; ONNX QuantizeLinear). */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** q = clamp(round(x / scale) + zeroPoint) with one scale for all elements. */
export function quantize(
  values: Float32Array,
  shape: readonly number[],
  dtype: DType,
  scale: number,
  zeroPoint: number,
): Tensor {
  const [low, high] = RANGE[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const data = allocate(dtype, values.length);
  const target = data as Exclude<TypedArray, BigInt64Array | BigUint64Array>;
  for (let i = 0; i < values.length; i++)
    target[i] = Math.min(high, Math.max(low, roundHalfEven(values[i]! / scale) + zeroPoint));
  return tensor(dtype, shape, data);
}

/** x = (q - zeroPoint) * scale with one scale for all elements. */
export function dequantize(t: Tensor, scale: number, zeroPoint: number): Float32Array {
  const out = new Float32Array(t.data.length);
  for (let i = 0; i < out.length; i++) out[i] = (Number(t.data[i]) - zeroPoint) * scale;
  return out;
}
