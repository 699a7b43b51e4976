import type { Attributes } from "../../../src/ir/index.ts";
import { DTYPES, type DType, fromNumbers, type Random, sizeOf, type Tensor } from "../../../src/tensor/index.ts";

/** One application of an operator with valid inputs; `given` inputs are fed, the others are constants of the graph. */
export interface Problem {
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: Attributes;
  readonly outputs?: number;
  /** Positions of the inputs that are fed; default: the first. */
  readonly fed?: readonly number[];
}

export type Draw = (r: Random) => Problem;

export const between = (r: Random, low: number, high: number): number => low + r.below(high - low + 1);
export const pick = <T>(r: Random, items: readonly T[]): T => items[r.below(items.length)]!;
export const flip = (r: Random): boolean => r.below(2) === 0;
export const dims = (r: Random, low: number, high: number): number[] =>
  Array.from({ length: between(r, low, high) }, () => between(r, 1, 4));

export function filled(r: Random, shape: readonly number[], dtype: DType = "float32"): Tensor {
  const values = Array.from({ length: sizeOf(shape) }, () =>
    DTYPES[dtype].float ? r.normal() : dtype === "bool" ? r.below(2) : r.below(5) + 1,
  );
  return fromNumbers(dtype, shape, values);
}

/** The axis, sometimes counted from the end. */
export const signed = (r: Random, axis: number, rank: number): number => (flip(r) ? axis : axis - rank);
