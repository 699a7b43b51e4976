import type { Attributes, Dim, Shape, TensorType } from "../ir/index.ts";
import { type DType, dtypeFromOnnx, fromNumbers, int64s, type Tensor, tensor } from "../tensor/index.ts";
import { ARITHMETIC } from "./arithmetic.ts";
import { evaluate } from "./evaluate.ts";
import { computeMovement, MOVEMENT } from "./movement.ts";

/**
 * Integers that may be sizes: the value of a `Shape` of [N, 3, 8, 8] is an ordinary int64 tensor whose elements are
 * sizes or, for a symbol, a code that no size can be. Data movement moves codes like any number; arithmetic is done
 * only where it does not depend on what the symbol stands for. Codes fit int32, which TensorFlow keeps shapes in.
 */
const codeBase = 2 ** 30 + 746_133;

/** Types that shapes are computed in. */
const sizeTypes: readonly DType[] = ["int64", "int32"];

/** Whether a tensor may hold sizes. */
export function mayHoldSizes(t: Tensor): boolean {
  return sizeTypes.includes(t.dtype);
}

/** Integers of a type that shapes are computed in; null when one is out of its range. */
function integers(dtype: DType, shape: readonly number[], values: readonly bigint[]): Tensor | null {
  if (dtype === "int64") return tensor("int64", shape, BigInt64Array.from(values));
  const numbers = values.map(Number);
  return dtype === "int32" && numbers.every((value) => value === (value | 0))
    ? fromNumbers(dtype, shape, numbers)
    : null;
}

/** Symbols and their codes; one table a graph. */
export class DimensionCodes {
  readonly #symbols: string[] = [];

  #code(dim: Dim): number {
    if (typeof dim === "number") return dim;
    const known = this.#symbols.indexOf(dim);
    return codeBase + (known >= 0 ? known : this.#symbols.push(dim) - 1);
  }

  /** The vector of sizes of a shape. */
  encode(shape: Shape): Tensor {
    return int64s(shape.map((dim) => this.#code(dim)));
  }

  /** The size, or the symbol, that an element stands for. */
  decode(element: bigint | number): Dim {
    const number = Number(element);
    return this.#symbols[number - codeBase] ?? number;
  }

  /** The elements of an integer tensor as sizes. */
  dims(t: Tensor): Dim[] {
    return Array.from(t.data as ArrayLike<bigint | number>, (element) => this.decode(element));
  }

  isSymbol(element: bigint | number): boolean {
    return this.#symbols[Number(element) - codeBase] !== undefined;
  }

  hasSymbol(t: Tensor): boolean {
    return mayHoldSizes(t) && Array.prototype.some.call(t.data, (element) => this.isSymbol(element));
  }
}

/** What stays true of a size whatever number it is: a size is at least 1 in a model that computes something. */
function combined(op: string, a: bigint, b: bigint, codes: DimensionCodes): bigint | null {
  const symbolic = codes.isSymbol(a) ? a : b;
  const other = codes.isSymbol(a) ? b : a;
  if (a === b) return op === "Sub" ? 0n : op === "Div" ? 1n : op === "Max" || op === "Min" ? a : null;
  if (codes.isSymbol(other)) return null;
  if (op === "Mul") return other === 1n ? symbolic : other === 0n ? 0n : null;
  if (op === "Add") return other === 0n ? symbolic : null;
  if (op === "Sub") return symbolic === a && b === 0n ? a : null;
  if (op === "Div") return symbolic === a && b === 1n ? a : null;
  if (op === "Max") return other <= 1n ? symbolic : null;
  return null;
}

function compared(op: string, a: bigint, b: bigint, codes: DimensionCodes): boolean | null {
  const known = !codes.isSymbol(a) && !codes.isSymbol(b);
  if (op === "Equal") return known || a === b ? a === b : (codes.isSymbol(a) ? b : a) < 1n ? false : null;
  if (op === "Greater") return known ? a > b : codes.isSymbol(a) && b < 1n ? true : null;
  if (op === "Less") return known ? a < b : codes.isSymbol(b) && a < 1n ? true : null;
  if (op === "GreaterOrEqual") return known || a === b ? a >= b : codes.isSymbol(a) && b <= 1n ? true : null;
  if (op === "LessOrEqual") return known || a === b ? a <= b : codes.isSymbol(b) && a <= 1n ? true : null;
  return null;
}

/** Elements of an operand repeated to `count`: operands of one element and of the full size are enough for shape vectors. */
function spread(t: Tensor, count: number): bigint[] | null {
  const data = Array.from(t.data as ArrayLike<bigint | number>, BigInt);
  if (data.length === count) return data;
  return data.length === 1 ? new Array<bigint>(count).fill(data[0]!) : null;
}

function elementwise(
  op: string,
  attrs: Attributes,
  operands: readonly Tensor[],
  type: TensorType,
  codes: DimensionCodes,
): Tensor | null {
  const shape = type.shape as readonly number[];
  const count = shape.reduce<number>((product, dim) => product * dim, 1);
  if (op === "Where") {
    const [condition, yes, no] = operands as [Tensor, Tensor, Tensor];
    if (!mayHoldSizes(yes) || !mayHoldSizes(no)) return null;
    const from = spread(yes, count);
    const other = spread(no, count);
    const pick = condition.data.length === 1 ? () => condition.data[0] : (i: number) => condition.data[i];
    if (from === null || other === null || (condition.data.length !== 1 && condition.data.length !== count))
      return null;
    const chosen = from.map((value, i) => (pick(i) ? value : other[i]!));
    return integers(type.dtype, shape, chosen);
  }
  const [left, right] = operands;
  if (operands.length !== 2 || !ARITHMETIC.includes(op)) return null;
  if (left === undefined || right === undefined || left.dtype !== right.dtype || !mayHoldSizes(left)) return null;
  const a = spread(left, count);
  const b = spread(right, count);
  if (a === null || b === null) return null;
  if (type.dtype === "bool") {
    const values = a.map((value, i) => compared(op, value, b[i]!, codes));
    return values.includes(null) ? null : fromNumbers("bool", shape, values.map(Number));
  }
  const values = a.map((value, i) => {
    const other = b[i]!;
    if (codes.isSymbol(value) || codes.isSymbol(other)) return combined(op, value, other, codes);
    return evaluatedPair(op, attrs, value, other);
  });
  return values.includes(null) ? null : integers(type.dtype, shape, values as bigint[]);
}

function evaluatedPair(op: string, attrs: Attributes, a: bigint, b: bigint): bigint | null {
  const fact = (value: bigint) => ({
    type: { dtype: "int64" as const, shape: [] },
    data: tensor("int64", [], BigInt64Array.of(value)),
  });
  const value = evaluate(op, attrs, [fact(a), fact(b)], [{ dtype: "int64", shape: [] }]);
  return value === null ? null : (value[0]!.data[0] as bigint);
}

/** Casts that keep a size what it is; through a float a code would lose its meaning. */
function cast(operand: Tensor, to: unknown): Tensor | null {
  const dtype = typeof to === "number" ? dtypeFromOnnx(to) : null;
  if (dtype === null || !sizeTypes.includes(dtype) || !mayHoldSizes(operand)) return null;
  if (dtype === operand.dtype) return operand;
  return integers(dtype, operand.shape, Array.from(operand.data as ArrayLike<bigint | number>, BigInt));
}

/** Whether the operator takes symbols as elements only: as an index, a limit or a count a symbol has no number. */
export function movesSizes(op: string, operands: readonly (Tensor | null)[], codes: DimensionCodes): boolean {
  if (ARITHMETIC.includes(op) || op === "Concat") return true;
  return MOVEMENT.includes(op) && operands.slice(1).every((t) => t === null || !codes.hasSymbol(t));
}

/** The values of a node over vectors that hold sizes, or null when they depend on what a symbol stands for. */
export function evaluateDimensions(
  op: string,
  attrs: Attributes,
  context: Parameters<typeof computeMovement>[1],
  operands: readonly Tensor[],
  types: readonly TensorType[],
  codes: DimensionCodes,
): Tensor[] | null {
  if (types.some(({ shape }) => shape.some((dim) => typeof dim === "string"))) return null;
  const shapes = types.map((type) => type.shape as readonly number[]);
  if (op === "Identity") return [operands[0]!];
  if (MOVEMENT.includes(op)) return computeMovement(op, context, operands, shapes);
  const value = op === "Cast" ? cast(operands[0]!, attrs.to) : elementwise(op, attrs, operands, types[0]!, codes);
  return value === null ? null : [value];
}
