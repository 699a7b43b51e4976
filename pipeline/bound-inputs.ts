import { EspalierError, suggestion } from "../src/diagnostics/index.ts";
import { decodeTflite } from "../src/formats/tflite/codec/index.ts";
import { DTYPES, type DType, fromNumbers, sizeOf, type Tensor } from "../src/tensor/index.ts";

/**
 * Values given for inputs of a .tflite file as tensors of the inputs' own type and shape. Throws EspalierError "usage" for
 * an unknown name, a wrong count, or a fraction for an integer.
 */
export function boundInputs(
  bytes: Uint8Array,
  values: Readonly<Record<string, number | readonly number[]>>,
): Record<string, Tensor> {
  const { tensors, inputs } = decodeTflite(bytes).subgraphs[0]!;
  const stated = inputs.map((index) => tensors[index]!);
  const names = stated.map(({ name }) => name);
  const entries = Object.entries(values).map(([name, value]): [string, Tensor] => {
    const input = stated.find((candidate) => candidate.name === name);
    if (input === undefined || !Object.hasOwn(DTYPES, input.dtype))
      throw new EspalierError("usage", `The model has no input "${name}" that can be bound to a value`, {
        hint: suggestion(name, names),
      });
    const numbers = typeof value === "number" ? [value] : value;
    if (sizeOf(input.shape) !== numbers.length)
      throw new EspalierError(
        "usage",
        `Input "${name}" has ${sizeOf(input.shape)} elements, got ${numbers.length} values`,
      );
    if (!input.dtype.startsWith("float") && !numbers.every(Number.isInteger))
      throw new EspalierError("usage", `Input "${name}" is ${input.dtype}, got ${numbers.join(", ")}`);
    return [name, fromNumbers(input.dtype as DType, input.shape, numbers)];
  });
  return Object.fromEntries(entries);
}
