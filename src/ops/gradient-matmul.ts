import type { ValueId } from "../ir/index.ts";
import { type Formula, formulaOf, unbroadcast } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";

interface GemmAttributes {
  readonly alpha: number;
  readonly beta: number;
  readonly transA: number;
  readonly transB: number;
}

/** Y = alpha A' B' + beta C: dA' = alpha dY B'^T, dB' = alpha A'^T dY, dC = beta dY, each in the layout of its operand. */
export const gemm: GradientRule<GemmAttributes> = (c) => {
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const [a, b] = [c.inputs[0]!, c.inputs[1]!];
  const { alpha, beta, transA, transB } = c.attrs;
  const answer: (ValueId | null)[] = c.inputs.map(() => null);
  if (c.wants(0))
    answer[0] = transA
      ? f.node("Gemm", [b, dy], { alpha, transA: transB, transB: 1 })
      : f.node("Gemm", [dy, b], { alpha, transB: 1 - transB });
  if (c.wants(1))
    answer[1] = transB
      ? f.node("Gemm", [dy, a], { alpha, transA: 1, transB: transA })
      : f.node("Gemm", [a, dy], { alpha, transA: 1 - transA });
  const bias = c.inputs[2];
  if (bias !== undefined && bias !== null && c.wants(2)) {
    const scaled = beta === 1 ? dy : f.mul(dy, f.number(beta));
    answer[2] = unbroadcast(f, scaled, c.type(bias).shape);
  }
  return answer;
};

function swapLast(f: Formula, id: ValueId): ValueId {
  const rank = f.shape(id).length;
  const perm = Array.from({ length: rank }, (_, i) => i);
  perm[rank - 1] = rank - 2;
  perm[rank - 2] = rank - 1;
  return f.transpose(id, perm);
}

/** Y = A B over the last two axes: dA = dY B^T, dB = A^T dY, summed over broadcast batch axes; vectors are matrices of one row or column. */
export const matMul: GradientRule<unknown> = (c) => {
  const f = formulaOf(c);
  const [a, b] = [c.inputs[0]!, c.inputs[1]!];
  const [shapeA, shapeB] = [f.shape(a), f.shape(b)];
  const rowA = shapeA.length === 1;
  const columnB = shapeB.length === 1;
  const matrixA = rowA ? f.reshape(a, [1, ...shapeA]) : a;
  const matrixB = columnB ? f.reshape(b, [...shapeB, 1]) : b;
  let dy = c.outputGradients[0]!;
  if (rowA || columnB) {
    const own = f.shape(dy);
    const batch = own.slice(0, own.length - (rowA ? 0 : 1) - (columnB ? 0 : 1));
    const rows = rowA ? 1 : shapeA[shapeA.length - 2]!;
    const columns = columnB ? 1 : shapeB[shapeB.length - 1]!;
    dy = f.reshape(dy, [...batch, rows, columns]);
  }
  const back = (gradient: ValueId, matrix: ValueId, shape: readonly number[]): ValueId => {
    const summed = unbroadcast(f, gradient, f.shape(matrix));
    return f.shape(summed).length === shape.length ? summed : f.reshape(summed, shape);
  };
  return [
    c.wants(0) ? back(f.node("MatMul", [dy, swapLast(f, matrixB)]), matrixA, shapeA) : null,
    c.wants(1) ? back(f.node("MatMul", [swapLast(f, matrixA), dy]), matrixB, shapeB) : null,
  ];
};
