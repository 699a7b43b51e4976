import { permute, type Tensor, tensor } from "../../tensor/index.ts";
import type { TfliteQuantization } from "./codec/index.ts";
import { type QuantizedConstant, realValues, symmetricWeights, toIntegers } from "./quantization.ts";
import type { StepContext } from "./step-context.ts";

/**
 * A weight for an int8 kernel: int8 with zero point 0, one scale a slice of `axis` or one for all. Kept as it is when it
 * has that form; the kernels of legacy uint8 models take any zero point, and one scale only.
 */
function int8Weight(
  weight: QuantizedConstant,
  axis: number,
  legacy = false,
): QuantizedConstant & { quantization: TfliteQuantization } {
  const { tensor: t, quantization } = weight;
  const fits =
    t.dtype === "int8" &&
    quantization !== undefined &&
    (legacy || quantization.zeroPoints.every((point) => point === 0)) &&
    (quantization.scales.length === 1 || quantization.quantizedDimension === axis);
  const stored = fits ? weight : symmetricWeights(realValues(weight), t.shape, legacy ? null : axis);
  return stored as QuantizedConstant & { quantization: TfliteQuantization };
}

/**
 * A weight for a step: int8 kernels take symmetric int8; float kernels take real numbers, or symmetric int8 where they are
 * hybrid (dynamic range). A hybrid kernel quantises its input again: not what a graph means whose input has a scale.
 */
export function stepWeight(c: StepContext, weight: QuantizedConstant, axis: number, hybrid = true): QuantizedConstant {
  if (c.int8) return int8Weight(weight, axis, c.placement.plan.legacy);
  if (weight.quantization === undefined) return weight;
  return hybrid && c.inQuantization(0) === undefined
    ? int8Weight(weight, axis)
    : { tensor: tensor("float32", weight.tensor.shape, realValues(weight)) };
}

/** Moves a weight's axes, its quantised one with them, and gives it a new shape of the same order. */
export function moveWeight(
  weight: QuantizedConstant,
  permutation: readonly number[],
  shape: readonly number[],
  quantizedDimension: number,
): QuantizedConstant {
  const moved = permute(weight.tensor, permutation);
  const data: Tensor = tensor(moved.dtype, shape, moved.data);
  if (weight.quantization === undefined) return { tensor: data };
  const dimension = weight.quantization.scales.length === 1 ? 0 : quantizedDimension;
  return { tensor: data, quantization: { ...weight.quantization, quantizedDimension: dimension } };
}

/**
 * The bias of a contraction: float32, or int32 with scale input scale x weight scale and zero point 0 (TFLite
 * quantisation specification, CONV_2D). Zeros when the node has none and `always` is set, otherwise null.
 */
export function stepBias(
  c: StepContext,
  input: number,
  weight: QuantizedConstant,
  count: number,
  inputQuantization: TfliteQuantization | undefined,
  always: boolean,
): QuantizedConstant | null {
  const given = c.has(input) ? c.needConstant(input, "bias") : null;
  if (given === null && !always) return null;
  const values = given === null ? new Float32Array(count) : spread(realValues(given), count);
  if (!c.int8) return { tensor: tensor("float32", [count], values) };
  const weights = weight.quantization!;
  const scales = weights.scales.map((scale) => Math.fround(scale * inputQuantization!.scales[0]!));
  const quantization: TfliteQuantization = { scales, zeroPoints: scales.map(() => 0), quantizedDimension: 0 };
  if (
    c.element === "int8" &&
    given?.tensor.dtype === "int32" &&
    given.tensor.data.length === count &&
    close(given.quantization, quantization)
  )
    return { tensor: tensor("int32", [count], given.tensor.data as Int32Array), quantization };
  if (c.element === "int16") return { tensor: longBias(values, quantization), quantization };
  return { tensor: toIntegers(values, [count], "int32", quantization), quantization };
}

/** Kernels of int16 activations sum up in 64 bits, and take a bias of such (TFLite 16x8 quantisation specification). */
function longBias(values: Float32Array, { scales }: TfliteQuantization): Tensor {
  const data = BigInt64Array.from(values, (value, i) =>
    BigInt(Math.round(value / scales[scales.length === 1 ? 0 : i]!)),
  );
  return tensor("int64", [values.length], data);
}

function spread(values: Float32Array, count: number): Float32Array {
  return values.length === count ? values : new Float32Array(count).fill(values[0]!);
}

function close(a: TfliteQuantization | undefined, b: TfliteQuantization): boolean {
  if (a === undefined || a.zeroPoints.some((point) => point !== 0)) return false;
  return b.scales.every((scale, i) => Math.abs((a.scales[a.scales.length === 1 ? 0 : i] ?? 0) / scale - 1) < 1e-6);
}
