import { shapeText, type ValueId } from "../../../ir/index.ts";
import { DTYPES, tensor, toNumbers } from "../../../tensor/index.ts";
import type { Step } from "./step.ts";
import { permuted } from "./stored.ts";

/** Input i in real numbers with its axes permuted: a permuted constant where it is one, else behind a Transpose. */
export function weightOf(s: Step, i: number, order: readonly number[]): ValueId {
  if (s.rank(i) !== order.length)
    s.fail(`${s.operator.opcode} needs input ${i} of rank ${order.length}, got ${shapeText(s.shape(i))}`);
  const stored = s.stored(i);
  return stored === null
    ? s.transpose(s.real(i), order)
    : s.values.realOf(permuted(stored, order), s.values.name(s.at(i)));
}

/**
 * Bias of a contraction, or null. Integers become int32 behind DequantizeLinear with the scale that TFLite's kernels take, the
 * input's times the weight's; those of 64 bits that do not fit become plain numbers.
 */
export function biasOf(s: Step, i: number, input: number, filters: number): ValueId | null {
  if (!s.has(i)) return null;
  const stored = s.stored(i);
  const integer = stored !== null && !DTYPES[stored.tensor.dtype].float;
  if (!integer) return s.real(i);
  const name = s.values.name(s.at(i));
  const weights = s.stored(filters)?.quantization ?? s.tensor(filters).quantization;
  if (weights === undefined || !s.quantized(input))
    return s.fail(`${s.operator.opcode} has an integer bias beside operands that are not quantised`);
  const inScale = s.values.quantization(s.at(input)).scales[0]!;
  const numbers = toNumbers(stored.tensor);
  const scales = weights.scales.map((scale) => Math.fround(Math.fround(inScale) * Math.fround(scale)));
  if (scales.length !== 1 && scales.length !== numbers.length)
    s.fail(`${s.operator.opcode} has ${numbers.length} biases and ${scales.length} scales`);
  if (numbers.some((value) => value !== (value | 0))) {
    const real = Float32Array.from(numbers, (value, k) => value * scales[scales.length === 1 ? 0 : k]!);
    return s.builder.constant(name, tensor("float32", stored.tensor.shape, real));
  }
  const data = tensor("int32", stored.tensor.shape, Int32Array.from(numbers));
  return s.values.realOf(
    { tensor: data, quantization: { scales, zeroPoints: scales.map(() => 0), quantizedDimension: 0 } },
    name,
  );
}
