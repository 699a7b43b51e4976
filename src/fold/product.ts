import type { OpContext } from "../ops/index.ts";
import { fromNumbers, sizeOf, type Tensor, toNumbers } from "../tensor/index.ts";
import { broadcastIndices, exactOperand, representable } from "./arithmetic.ts";

/** Multiplications beyond which a product of constants stays a node: a table of positions by frequencies needs far fewer. */
const mostProducts = 2 ** 22;

/** For each matrix of the result, where its operand's matrix begins; the operand's leading axes broadcast. */
function matrixStarts(lead: readonly number[], batch: readonly number[], matrix: number): Int32Array {
  return broadcastIndices(lead, batch).map((at) => at * matrix);
}

/** MatMul of constants (rotary positions are made so), in doubles and rounded once; null when it is too large. */
export function computeMatMul(c: OpContext<never>, shape: readonly number[]): Tensor | null {
  const [a, b] = [c.inputs[0]!.data!, c.inputs[1]!.data!];
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const [rows, inner, columns] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const results = sizeOf(shape);
  if (results * inner > mostProducts || results === 0) return null;
  const [x, y] = [toNumbers(a), toNumbers(b)];
  if (!exactOperand(a, x) || !exactOperand(b, y)) return null;
  const batch = shape.slice(0, shape.length - Number(a.shape.length > 1) - Number(b.shape.length > 1));
  const starts = matrixStarts(left.slice(0, -2), batch, rows * inner);
  const others = matrixStarts(right.slice(0, -2), batch, inner * columns);
  const sums = new Float64Array(results);
  for (let i = 0; i < results; i++) {
    const matrix = Math.floor(i / (rows * columns));
    const row = Math.floor(i / columns) % rows;
    const from = starts[matrix]! + row * inner;
    const to = others[matrix]! + (i % columns);
    for (let k = 0; k < inner; k++) sums[i]! += x[from + k]! * y[to + k * columns]!;
  }
  return representable(a.dtype, sums) ? fromNumbers(a.dtype, shape, sums) : null;
}
