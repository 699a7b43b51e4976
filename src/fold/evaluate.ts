import type { Attributes, InputFact, TensorType } from "../ir/index.ts";
import { completeAttributes, OpContext, specOf } from "../ops/index.ts";
import { DTYPES, sizeOf, type Tensor } from "../tensor/index.ts";
import { ALONG_AXES, computeAlongAxes } from "./along-axes.ts";
import { ARITHMETIC, computeArithmetic } from "./arithmetic.ts";
import { computeMovement, MOVEMENT } from "./movement.ts";

/**
 * A folded value may be this many bytes whatever it comes from: shapes, masks, position tables. Above it a value may be
 * at most `growth` times its operands, which admits a widening cast of weights (int8 to float32 is 4) and
 * keeps an Expand from turning one number into a model's worth of file.
 */
const freeBytes = 64 * 1024;
const growth = 4;

/** Operators that can be computed on constants. */
export const FOLDABLE: readonly string[] = [...ARITHMETIC, ...ALONG_AXES, ...MOVEMENT];

/** Bytes of values of static types. */
export function bytesOfTypes(types: readonly TensorType[]): number {
  return types.reduce((sum, { dtype, shape }) => sum + DTYPES[dtype].bytes * sizeOf(shape as readonly number[]), 0);
}

function isAffordable(operands: readonly Tensor[], types: readonly TensorType[]): boolean {
  const source = operands.reduce((sum, t) => sum + t.data.byteLength, 0);
  return bytesOfTypes(types) <= Math.max(freeBytes, growth * source);
}

/**
 * The values of a node whose inputs are all constant; null when the operator is not one of `FOLDABLE`, when the result
 * would be too large, or when the arithmetic here would not give the runtime's result.
 */
export function evaluate(
  op: string,
  attrs: Attributes,
  inputs: readonly (InputFact | null)[],
  types: readonly TensorType[],
): Tensor[] | null {
  if (!FOLDABLE.includes(op) || types.some(({ shape }) => shape.some((dim) => typeof dim === "string"))) return null;
  const operands: Tensor[] = [];
  for (const input of inputs) {
    if (input === null) continue;
    if (input.data === undefined) return null;
    operands.push(input.data);
  }
  if (operands.length === 0 || !isAffordable(operands, types)) return null;
  if (ARITHMETIC.includes(op)) {
    const value = computeArithmetic(op, attrs, operands, types[0]!);
    return value === null ? null : [value];
  }
  const context = new OpContext(op, completeAttributes(op, specOf(op).attrs, attrs) as never, inputs, types.length);
  if (ALONG_AXES.includes(op)) {
    const value = computeAlongAxes(op, context, types[0]!.shape as readonly number[]);
    return value === null ? null : [value];
  }
  return computeMovement(
    op,
    context,
    operands,
    types.map((type) => type.shape as readonly number[]),
  );
}
