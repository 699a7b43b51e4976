import { EspalierError } from "../../diagnostics/index.ts";
import { DTYPES, type Tensor, tensor, toFloat32, toNumbers } from "../../tensor/index.ts";
import type { TfliteQuantization } from "./codec/index.ts";

/** A constant with its quantisation (none: plain numbers). */
export interface QuantizedConstant {
  readonly tensor: Tensor;
  readonly quantization?: TfliteQuantization;
}

/** Integers that activations are carried in. uint8 is carried as int8. */
export type QuantizedType = "int8" | "int16";

/** A quantisation whose integers are not int8 says so; what is written to the file is the rest of it. */
interface WideQuantization extends TfliteQuantization {
  readonly element: "int16";
}

/** The element type of a tensor with that quantisation. */
export function elementOf(quantization: TfliteQuantization): QuantizedType {
  return "element" in quantization ? (quantization as WideQuantization).element : "int8";
}

/** The quantisation of int16 activations, whose zero point is 0 (TFLite 16x8 quantisation specification). */
export function wide(quantization: TfliteQuantization): TfliteQuantization {
  const made: WideQuantization = { ...quantization, element: "int16" };
  return made;
}

export function perTensor(scale: number, zeroPoint: number): TfliteQuantization {
  return { scales: [Math.fround(scale)], zeroPoints: [zeroPoint], quantizedDimension: 0 };
}

export function sameQuantization(a: TfliteQuantization | undefined, b: TfliteQuantization | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    elementOf(a) === elementOf(b) &&
    a.scales.length === b.scales.length &&
    a.scales.every((scale, i) => scale === b.scales[i] && a.zeroPoints[i] === b.zeroPoints[i]) &&
    (a.scales.length === 1 || a.quantizedDimension === b.quantizedDimension)
  );
}

/** Round half to even, as QuantizeLinear does. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Calls back for each element with the index of its slice along `axis`. */
function eachWithSlice(shape: readonly number[], axis: number, visit: (element: number, slice: number) => void): void {
  const size = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const count = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < count; i++) visit(i, Math.floor(i / inner) % size);
}

/** The real numbers that a constant stands for: scale * (q - zero point). */
export function realValues(constant: QuantizedConstant): Float32Array {
  const { tensor: t, quantization } = constant;
  if (quantization === undefined) return toFloat32(t);
  const numbers = toNumbers(t);
  const out = new Float32Array(numbers.length);
  const { scales, zeroPoints, quantizedDimension } = quantization;
  eachWithSlice(t.shape, quantizedDimension, (i, slice) => {
    const at = scales.length === 1 ? 0 : slice;
    out[i] = (numbers[i]! - zeroPoints[at]!) * scales[at]!;
  });
  return out;
}

/** Numbers as integers of the given quantisation, saturated to the dtype. */
export function toIntegers(
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: QuantizedType | "int32",
  quantization: TfliteQuantization,
): Tensor {
  const bits = 8 * DTYPES[dtype].bytes;
  const [low, high] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const { scales, zeroPoints, quantizedDimension } = quantization;
  const out = new DTYPES[dtype].array(values.length);
  eachWithSlice(shape, quantizedDimension, (i, slice) => {
    const at = scales.length === 1 ? 0 : slice;
    out[i] = Math.min(high, Math.max(low, roundEven(values[i]! / scales[at]!) + zeroPoints[at]!));
  });
  return tensor(dtype, shape, out as never);
}

/** Symmetric int8 weights, one scale a slice of `axis` (null: one for all): largest magnitude at 127 (TFLite quantisation specification). */
export function symmetricWeights(
  values: Float32Array,
  shape: readonly number[],
  axis: number | null,
): QuantizedConstant {
  const peaks = new Float64Array(axis === null ? 1 : shape[axis]!);
  eachWithSlice(shape, axis ?? 0, (i, slice) => {
    const at = axis === null ? 0 : slice;
    peaks[at] = Math.max(peaks[at]!, Math.abs(values[i]!));
  });
  const quantization: TfliteQuantization = {
    scales: Array.from(peaks, (peak) => Math.fround(peak === 0 ? 1 / 127 : peak / 127)),
    zeroPoints: Array.from(peaks, () => 0),
    quantizedDimension: axis ?? 0,
  };
  return { tensor: toIntegers(values, shape, "int8", quantization), quantization };
}

/** Asymmetric int8 for a constant operand, whose range always holds zero. */
export function asymmetricConstant(values: Float32Array, shape: readonly number[]): QuantizedConstant {
  let low = 0;
  let high = 0;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = Math.fround(high > low ? (high - low) / 255 : 1);
  const quantization = perTensor(scale, Math.max(-128, Math.min(127, Math.round(-128 - low / scale))));
  return { tensor: toIntegers(values, shape, "int8", quantization), quantization };
}

/** Symmetric int16 for a constant operand of int16 kernels. */
export function wideConstant(values: Float32Array, shape: readonly number[]): QuantizedConstant {
  const peak = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const quantization = wide(perTensor(peak === 0 ? 1 : peak / 32767, 0));
  return { tensor: toIntegers(values, shape, "int16", quantization), quantization };
}

/** uint8 data moved by 128 into int8: the same numbers with a zero point lower by 128. */
export function asInt8(constant: QuantizedConstant): QuantizedConstant {
  const { tensor: t, quantization } = constant;
  if (t.dtype !== "uint8" || quantization === undefined) return constant;
  const data = Int8Array.from(toNumbers(t), (value) => value - 128);
  return {
    tensor: tensor("int8", t.shape, data),
    quantization: { ...quantization, zeroPoints: quantization.zeroPoints.map((point) => point - 128) },
  };
}

/** The quantisation that a Q or DQ node states. `axis` is given for vectors of scales. */
export function statedQuantization(scale: Tensor, zeroPoint: Tensor | undefined, axis: number): TfliteQuantization {
  const scales = Array.from(toFloat32(scale));
  const zeroPoints = zeroPoint === undefined ? scales.map(() => 0) : Array.from(toNumbers(zeroPoint));
  const bad = scales.find((value) => !(value > 0 && Number.isFinite(value)));
  if (bad !== undefined) throw new EspalierError("input", `A quantisation scale must be positive, got ${bad}`);
  if (zeroPoint !== undefined && DTYPES[zeroPoint.dtype].float)
    throw new EspalierError("unsupported", `Zero points of type ${zeroPoint.dtype} have no TFLite form`);
  return { scales, zeroPoints, quantizedDimension: scales.length === 1 ? 0 : axis };
}
