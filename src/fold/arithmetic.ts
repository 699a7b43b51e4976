import type { TensorType } from "../ir/index.ts";
import { completeAttributes, OPS } from "../ops/index.ts";
import {
  allocate,
  DTYPES,
  type DType,
  dtypeFromOnnx,
  fromNumbers,
  roundHalfEven,
  sizeOf,
  stridesOf,
  type Tensor,
  type TypedArray,
  tensor,
  toNumbers,
} from "../tensor/index.ts";

/** Integers above this are not exact as doubles, in which all arithmetic here is done. */
const exactLimit = 2 ** 53;

type Binary = (a: number, b: number) => number;

/** Remainder with the sign of the divisor (ONNX Mod with fmod=0; Python's %). */
function floorMod(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Operators over broadcast operands. A double holds the exact sum, difference and product of two floats closely enough that rounding once gives the float32 (and float16) result. */
const binary: Readonly<Record<string, Binary>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Min: (a, b) => Math.min(a, b),
  Max: (a, b) => Math.max(a, b),
  Equal: (a, b) => Number(a === b),
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  And: (a, b) => Number(a !== 0 && b !== 0),
  Or: (a, b) => Number(a !== 0 || b !== 0),
  Xor: (a, b) => Number((a !== 0) !== (b !== 0)),
  Mod: floorMod,
  Pow: (a, b) => a ** b,
  Sum: (a, b) => a + b,
  Mean: (a, b) => a + b,
};

const unary: Readonly<Record<string, (a: number) => number>> = {
  Identity: (a) => a,
  Neg: (a) => -a,
  Abs: Math.abs,
  Relu: (a) => Math.max(a, 0),
  Sqrt: Math.sqrt,
  Reciprocal: (a) => 1 / a,
  Not: (a) => Number(a === 0),
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: roundHalfEven,
  Sign: Math.sign,
  Exp: Math.exp,
  Log: Math.log,
  Sin: Math.sin,
  Cos: Math.cos,
};

/**
 * Operators whose float result may differ from a runtime's in the last bit: a runtime computes the function, or each partial sum, in float32,
 * where this rounds a double once. Position tables and masks are made with them.
 */
export const ROUNDED_ONCE: readonly string[] = [
  ...["Exp", "Log", "Sin", "Cos", "Pow", "Sum", "Mean"],
  ...["ReduceSum", "ReduceMean", "ReduceProd", "ReduceSumSquare", "ReduceL1", "ReduceL2", "CumSum", "MatMul"],
];

export const ARITHMETIC = [...Object.keys(binary), ...Object.keys(unary), "Cast", "Where"];

/** For each element of the output, the element of an operand that broadcasts to it. */
export function broadcastIndices(from: readonly number[], to: readonly number[]): Int32Array {
  const strides = stridesOf(from);
  const lead = to.length - from.length;
  const steps = to.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : strides[axis - lead]!));
  const indices = new Int32Array(sizeOf(to));
  const position = new Array<number>(to.length).fill(0);
  let at = 0;
  for (let i = 0; i < indices.length; i++) {
    indices[i] = at;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      position[axis]!++;
      at += steps[axis]!;
      if (position[axis]! < to[axis]!) break;
      at -= steps[axis]! * to[axis]!;
      position[axis] = 0;
    }
  }
  return indices;
}

/** The tensor repeated to a shape that it broadcasts to (ONNX Expand), whatever its dtype. */
export function expanded(t: Tensor, shape: readonly number[]): Tensor {
  const indices = broadcastIndices(t.shape, shape);
  const data = allocate(t.dtype, indices.length);
  const source = t.data as TypedArray;
  const target = data as TypedArray;
  for (let i = 0; i < indices.length; i++) target[i] = source[indices[i]!] as never;
  return tensor(t.dtype, shape, data);
}

/** Whether every number is one that the dtype holds exactly enough to fold: integers in range, floats always. */
export function representable(dtype: DType, values: Float64Array): boolean {
  const { float, bytes, signed } = DTYPES[dtype];
  if (float || dtype === "bool") return true;
  const high = bytes === 8 ? exactLimit : 2 ** (8 * bytes - (signed ? 1 : 0)) - 1;
  const low = !signed ? 0 : bytes === 8 ? -exactLimit : -(2 ** (8 * bytes - 1));
  return values.every((value) => Number.isInteger(value) && value >= low && value <= high);
}

/** Whether doubles hold the elements exactly: 64-bit integers may be too large. */
export function exactOperand(t: Tensor, values: Float64Array): boolean {
  return DTYPES[t.dtype].float || DTYPES[t.dtype].bytes < 8 || values.every((value) => Math.abs(value) <= exactLimit);
}

/** ONNX Cast of a constant; null where the runtime decides what becomes of a number that the type does not hold. */
export function cast(t: Tensor, to: number): Tensor | null {
  const dtype = dtypeFromOnnx(to);
  if (dtype === null) return null;
  if (dtype === t.dtype) return t;
  const values = toNumbers(t);
  if (dtype === "bool")
    return fromNumbers(
      dtype,
      t.shape,
      values.map((value) => Number(value !== 0)),
    );
  // ONNX Cast truncates towards zero; what lies outside the target's range is left to the runtime.
  const rounded = DTYPES[dtype].float ? values : values.map(Math.trunc);
  return exactOperand(t, values) && representable(dtype, rounded) ? fromNumbers(dtype, t.shape, rounded) : null;
}

/** The value of an arithmetic node with constant operands, or null when this arithmetic would not give the runtime's result. */
export function computeArithmetic(
  op: string,
  attrs: Readonly<Record<string, unknown>>,
  operands: readonly Tensor[],
  type: TensorType,
): Tensor | null {
  const first = operands[0]!;
  if (op === "Identity") return first;
  if (op === "Cast") return cast(first, completeAttributes("Cast", OPS.Cast.attrs, attrs as never).to);
  const shape = type.shape as readonly number[];
  if (op === "Where") return where(operands, shape);
  const values = operands.map(toNumbers);
  if (!operands.every((t, i) => exactOperand(t, values[i]!))) return null;
  const integer = !DTYPES[first.dtype].float;
  const map = unary[op];
  let result: Float64Array;
  if (map !== undefined) {
    if (integer && (op === "Sqrt" || op === "Reciprocal")) return null;
    result = values[0]!.map(map);
  } else {
    const combine = op === "Mod" && attrs.fmod === 1 ? (a: number, b: number) => a % b : binary[op];
    if (combine === undefined) return null;
    result = spread(first, values[0]!, shape);
    for (let k = 1; k < operands.length; k++) {
      const other = spread(operands[k]!, values[k]!, shape);
      result = result.map((value, i) => combine(value, other[i]!));
    }
    // Integer division truncates in ONNX; by zero it is undefined.
    if (op === "Div" && integer) result = result.map(Math.trunc);
    if (op === "Mean") result = result.map((sum) => sum / operands.length);
  }
  return representable(type.dtype, result) ? fromNumbers(type.dtype, shape, result) : null;
}

function spread(t: Tensor, values: Float64Array, shape: readonly number[]): Float64Array {
  const indices = broadcastIndices(t.shape, shape);
  return Float64Array.from(indices, (at) => values[at]!);
}

function where(operands: readonly Tensor[], shape: readonly number[]): Tensor {
  const [condition, yes, no] = operands.map((t) => expanded(t, shape)) as [Tensor, Tensor, Tensor];
  const data = allocate(yes.dtype, yes.data.length);
  const target = data as TypedArray;
  for (let i = 0; i < target.length; i++) target[i] = (condition.data[i] ? yes : no).data[i] as never;
  return tensor(yes.dtype, shape, data);
}
