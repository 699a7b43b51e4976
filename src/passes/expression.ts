import type { Node, ValueId } from "../ir/index.ts";
import { typeText } from "../ir/index.ts";
import type { GraphView } from "../rewrite/index.ts";
import { toNumbers } from "../tensor/index.ts";

/** The one number of a constant, or null. */
export function constantNumber(view: GraphView, id: ValueId | null | undefined): number | null {
  const constant = view.constant(id);
  return constant !== null && constant.data.length === 1 ? toNumbers(constant)[0]! : null;
}

/** The other operand of a node with a single-number constant operand; null when there is none or it changes the shape. */
export function besideNumber(view: GraphView, node: Node): { x: ValueId; number: number } | null {
  if (node.inputs.length !== 2) return null;
  for (const [x, number] of operandPairs(node)) {
    const value = constantNumber(view, number);
    if (value !== null && typeText(view.type(x)) === typeText(view.type(node.outputs[0]!))) return { x, number: value };
  }
  return null;
}

/** The operands of a binary node, both ways round. */
export function operandPairs(node: Node): readonly (readonly [ValueId, ValueId])[] {
  const [a, b] = [node.inputs[0]!, node.inputs[1]!];
  return [
    [a, b],
    [b, a],
  ];
}

const reshapes = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"];

/** A value before the reshapes that only put in axes of size 1 or take them out. */
export function bare(view: GraphView, id: ValueId): ValueId {
  const sizes = (value: ValueId) =>
    view
      .type(value)
      .shape.filter((dim) => dim !== 1)
      .join();
  const own = sizes(id);
  for (let at = id; ; ) {
    const node = view.producer(at);
    if (node === null || !reshapes.includes(node.op) || sizes(node.inputs[0]!) !== own) return at;
    at = node.inputs[0]!;
  }
}

/** Whether two coefficients are equal to the precision of constants that exporters round to five digits. */
export function isClose(a: number, b: number, relative = 2e-5): boolean {
  return Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b));
}

/** Coefficients by ascending power. */
type Polynomial = readonly number[];

function sum(a: Polynomial, b: Polynomial, sign: number): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + sign * (b[i] ?? 0));
}

function product(a: Polynomial, b: Polynomial): number[] {
  const result = new Array<number>(a.length + b.length - 1).fill(0);
  a.forEach((left, i) => {
    b.forEach((right, j) => {
      result[i + j]! += left * right;
    });
  });
  return result;
}

/** Longer chains of arithmetic than these are no spelling of an activation. */
export const deepest = 8;

/**
 * A value as a polynomial of x, of degree 3 at most, through additions, multiplications and whole powers by numbers; null
 * when it is none.
 */
export function polynomialOf(view: GraphView, id: ValueId, x: ValueId, depth = 0): Polynomial | null {
  if (id === x) return [0, 1];
  const number = constantNumber(view, id);
  if (number !== null) return [number];
  const node = view.producer(id);
  if (node === null || depth > deepest) return null;
  const of = (i: number) => polynomialOf(view, node.inputs[i]!, x, depth + 1);
  if (node.op === "Neg") return of(0)?.map((value) => -value) ?? null;
  if (!["Add", "Sub", "Mul", "Div", "Pow"].includes(node.op)) return null;
  const [a, b] = [of(0), of(1)];
  if (a === null || b === null) return null;
  if (node.op === "Add" || node.op === "Sub") return sum(a, b, node.op === "Add" ? 1 : -1);
  const result = node.op === "Mul" ? product(a, b) : byNumber(node.op, a, b);
  return result === null || result.length > 4 ? null : result;
}

function byNumber(op: string, a: Polynomial, b: Polynomial): number[] | null {
  const [number] = b;
  if (b.length > 1 || number === undefined) return null;
  if (op === "Div") return number === 0 ? null : a.map((value) => value / number);
  if (number === 2) return product(a, a);
  return number === 3 ? product(a, product(a, a)) : null;
}

/** Whether a polynomial has the given coefficients. */
export function isPolynomial(actual: Polynomial | null, expected: Polynomial): boolean {
  if (actual === null) return false;
  const scale = Math.max(...expected.map(Math.abs));
  return Array.from({ length: Math.max(actual.length, expected.length) }, (_, i) => i).every((i) => {
    const [a, e] = [actual[i] ?? 0, expected[i] ?? 0];
    return e === 0 ? Math.abs(a) <= 1e-6 * scale : isClose(a, e);
  });
}

/** A product taken apart: its numbers multiplied together, and its other factors. */
export interface Factors {
  readonly number: number;
  readonly values: readonly ValueId[];
}

/** The ways to take a product apart, through products and quotients by numbers, into at most `most` factors that are not numbers; the value itself comes first. */
export function factoringsOf(view: GraphView, id: ValueId, most: number, depth = 0): Factors[] {
  const number = constantNumber(view, id);
  if (number !== null) return [{ number, values: [] }];
  const node = view.producer(id);
  const whole: Factors = { number: 1, values: [id] };
  if (node === null || depth > deepest || (node.op !== "Mul" && node.op !== "Div")) return [whole];
  const left = factoringsOf(view, node.inputs[0]!, most, depth + 1);
  if (node.op === "Div") {
    const divisor = constantNumber(view, node.inputs[1]);
    if (divisor === null || divisor === 0) return [whole];
    return [whole, ...left.map((factors) => ({ number: factors.number / divisor, values: factors.values }))];
  }
  const right = factoringsOf(view, node.inputs[1]!, most, depth + 1);
  const joined = left.flatMap((a) =>
    right.map((b) => ({ number: a.number * b.number, values: [...a.values, ...b.values] })),
  );
  return [whole, ...joined.filter(({ values }) => values.length <= most)];
}

/** The ways to write a value as a number times another value. */
export function multiplesOf(view: GraphView, id: ValueId): { number: number; value: ValueId }[] {
  return factoringsOf(view, id, 1).flatMap(({ number, values: [value] }) =>
    value === undefined ? [] : [{ number, value }],
  );
}
