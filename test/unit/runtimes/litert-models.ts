/** What the tests of the LiteRT runtime share: inputs, a model of [1, 2] tensors, and the error of a rejected promise. */
import { expect } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import type { TfliteModel, TfliteOperator, TfliteTensor } from "../../../src/formats/tflite/codec/index.ts";
import { fromNumbers, seededRandom, sizeOf, type Tensor } from "../../../src/tensor/index.ts";
import { TINY } from "../tflite/tiny-models.ts";

/** Shape of the tiny models' input. */
export const IMAGE = [1, TINY.height, TINY.width, TINY.inChannels] as const;

/** Uniform floats, 0 or 1 for booleans, integers in [-100, 100) otherwise. */
export function sample(dtype: Tensor["dtype"], shape: readonly number[], label: string): Tensor {
  const random = seededRandom(3, label);
  const next = () => {
    if (dtype === "float32") return random.next() * 2 - 1;
    return dtype === "bool" ? random.below(2) : random.below(200) - 100;
  };
  return fromNumbers(dtype, shape, Array.from({ length: sizeOf(shape) }, next));
}

/** The EspalierError that an action rejects with; fails when it resolves or throws anything else. */
export async function failure(action: () => Promise<unknown>): Promise<EspalierError> {
  const error = await action().then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EspalierError);
  return error as EspalierError;
}

/** A model of float32 tensors of shape [1, 2] and the operators given. */
export function smallModel(
  names: readonly string[],
  operators: readonly TfliteOperator[],
  outputs: readonly number[],
): TfliteModel {
  const make = (name: string): TfliteTensor => ({ name, shape: [1, 2], dtype: "float32", buffer: 0 });
  return {
    version: 3,
    description: "",
    buffers: [new Uint8Array(0)],
    metadata: [],
    signatures: [],
    subgraphs: [{ name: "main", tensors: names.map(make), inputs: [0, 1], outputs, operators }],
  };
}
