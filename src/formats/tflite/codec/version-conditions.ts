import type { TfliteDType, TfliteOptionsByType, TfliteTensor } from "./model.ts";

/** What a rule may ask about an operator and its operands. */
export interface Operands {
  readonly inputs: readonly (TfliteTensor | undefined)[];
  readonly outputs: readonly (TfliteTensor | undefined)[];
  /** An option's value, the schema's default where the operator has none. */
  option(name: OptionName): unknown;
}
/** The name of any field of any options table. */
export type OptionName = { [T in keyof TfliteOptionsByType]: keyof TfliteOptionsByType[T] }[keyof TfliteOptionsByType];

/** The input at an index has one of the element types. */
export const input =
  (index: number, ...dtypes: TfliteDType[]) =>
  ({ inputs }: Operands) =>
    dtypes.includes(inputs[index]?.dtype ?? "resource");
/** The output at an index has one of the element types. */
export const output =
  (index: number, ...dtypes: TfliteDType[]) =>
  ({ outputs }: Operands) =>
    dtypes.includes(outputs[index]?.dtype ?? "resource");
/** Data type of the activation, the weight and the result. */
export const kernel =
  (activation: TfliteDType, weight: TfliteDType) =>
  ({ inputs, outputs }: Operands) =>
    inputs[0]?.dtype === activation && inputs[1]?.dtype === weight && outputs[0]?.dtype === activation;
/** An option has exactly this value. */
export const option = (name: OptionName, value: unknown) => (operands: Operands) => operands.option(name) === value;
/** An option is neither false nor 0. */
export const optionSet = (name: OptionName) => (operands: Operands) => Boolean(operands.option(name));
/** All conditions hold. */
export const both =
  (...conditions: ((operands: Operands) => boolean)[]) =>
  (operands: Operands) =>
    conditions.every((condition) => condition(operands));
/** The condition does not hold. */
export const not = (condition: (operands: Operands) => boolean) => (operands: Operands) => !condition(operands);
/** The input at an index has a scale for each channel. */
export const perChannel =
  (index: number) =>
  ({ inputs }: Operands) =>
    (inputs[index]?.quantization?.scales.length ?? 0) > 1;
/** The first input has a scale. */
export const quantized = ({ inputs }: Operands) => (inputs[0]?.quantization?.scales.length ?? 0) > 0;
/** The first input has more dimensions than that. */
export const rankAbove =
  (rank: number) =>
  ({ inputs }: Operands) =>
    (inputs[0]?.shape.length ?? 0) > rank;
/** Two inputs of different shapes, one with more than four dimensions: the broadcasting kernels of that size came later. */
export const broadcastAbove4 = ({ inputs }: Operands) => {
  const [a, b] = inputs;
  if (a === undefined || b === undefined) return false;
  return a.shape.join() !== b.shape.join() && Math.max(a.shape.length, b.shape.length) > 4;
};
/** The product of the input scales is at least the output scale. */
export const rescalesUp = ({ inputs, outputs }: Operands) => {
  const scaleOf = (t: TfliteTensor | undefined) => t?.quantization?.scales[0] ?? 0;
  const scale = scaleOf(outputs[0]);
  return scale !== 0 && (scaleOf(inputs[0]) * scaleOf(inputs[1])) / scale >= 1;
};
/** A convolution whose filter sees fewer channels than the input has. */
export const grouped = ({ inputs }: Operands) => {
  const channels = inputs[0]?.shape[3];
  const weight = inputs[1]?.shape[3];
  return channels !== undefined && weight !== undefined && channels !== weight;
};
/** A 16x8 kernel that says the element type of its bias. */
export const int16Bias = both(kernel("int16", "int8"), not(option("quantizedBiasType", "FLOAT32")));
