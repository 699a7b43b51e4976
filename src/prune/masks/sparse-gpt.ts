import { dropFromRun } from "./choose-mask.ts";
import { inverseDiagonal, inverseFactor } from "./inverse-factor.ts";
import { withoutLowest } from "./lowest.ts";

/** How the columns of one group lose weights. */
export type ColumnRule =
  /** A mask that was chosen before. */
  | { readonly kind: "given"; readonly keep: Uint8Array }
  /** n of m columns, chosen for each row when the run is reached; runs end where `segment` columns do. */
  | { readonly kind: "n-of-m"; readonly n: number; readonly m: number; readonly segment: number }
  /** That many weights, chosen over all rows whenever `BLOCK` columns are reached. */
  | { readonly kind: "count"; readonly zeros: number };

/** Columns among which weights are chosen at once (Frantar and Alistarh, section 3.3: 128). */
const BLOCK = 128;

/** Share of the mean of the Hessian's diagonal that is added to it, as in the authors' code. */
export const DAMPING = 0.01;

/** U with UᵀU = (2 XXᵀ + λI)⁻¹, λ being `damping` x the mean of the diagonal. Without any input that is not zero, H is I: magnitudes decide. Made in place of the Gram matrix XXᵀ. */
export function hessianFactor(gram: Float64Array, columns: number, damping: number): Float64Array {
  const h = gram;
  for (let i = 0; i < h.length; i++) h[i]! *= 2;
  let trace = 0;
  for (let j = 0; j < columns; j++) trace += h[j * columns + j]!;
  const added = trace > 0 ? (damping * trace) / columns : 1;
  for (let j = 0; j < columns; j++) h[j * columns + j]! += added;
  return inverseFactor(h, columns);
}

/** w² / [H⁻¹]ⱼⱼ: twice the squared error that the best reaction to one weight's end leaves (Hassibi and Stork 1993, Optimal Brain Surgeon). */
export function surgeonScores(weights: Float64Array, factor: Float64Array, columns: number): Float64Array {
  const diagonal = inverseDiagonal(factor, columns);
  return weights.map((w, i) => (w * w) / diagonal[i % columns]!);
}

/**
 * SparseGPT (Frantar and Alistarh 2023, SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot): goes through the columns in order; a weight
 * that goes is made up for by the columns to its right, δw = -w / Uⱼⱼ x Uⱼ,ⱼ.. with U the Cholesky factor of the inverse Hessian, whose row j is the inverse of
 * what is left of H when columns 0 .. j - 1 are done. `weights` (rows x columns of one group) are changed in place; answers what stays (1).
 * Scores inside a block are w² / Uⱼⱼ², of the weights as they are by then. Unlike in the authors' code, columns whose inputs were always zero are no special case:
 * they score lowest by the damping alone, and what stays of them keeps its value.
 */
export function sparseGpt(weights: Float64Array, columns: number, factor: Float64Array, rule: ColumnRule): Uint8Array {
  const rows = weights.length / columns;
  const keep = rule.kind === "given" ? rule.keep : new Uint8Array(weights.length).fill(1);
  for (let from = 0; from < columns; from += BLOCK) {
    const to = Math.min(columns, from + BLOCK);
    if (rule.kind === "count") chooseBlock(weights, columns, factor, { from, to, zeros: rule.zeros }, keep);
    for (let row = 0; row < rows; row++) sweepRow(weights, row * columns, columns, factor, rule, { from, to }, keep);
  }
  return keep;
}

/** The lowest of a block: its part of all zeros, so that the last block ends at exactly the number. */
function chooseBlock(
  weights: Float64Array,
  columns: number,
  factor: Float64Array,
  { from, to, zeros }: { readonly from: number; readonly to: number; readonly zeros: number },
  keep: Uint8Array,
): void {
  const rows = weights.length / columns;
  const width = to - from;
  const scores = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++)
    for (let j = 0; j < width; j++)
      scores[row * width + j] = (weights[row * columns + from + j]! / factor[(from + j) * (columns + 1)]!) ** 2;
  const count = Math.floor((zeros * to) / columns) - Math.floor((zeros * from) / columns);
  const stays = withoutLowest(scores, count);
  for (let row = 0; row < rows; row++)
    for (let j = 0; j < width; j++) keep[row * columns + from + j] = stays[row * width + j]!;
}

function sweepRow(
  weights: Float64Array,
  start: number,
  columns: number,
  factor: Float64Array,
  rule: ColumnRule,
  { from, to }: { readonly from: number; readonly to: number },
  keep: Uint8Array,
): void {
  for (let j = from; j < to; j++) {
    if (rule.kind === "n-of-m" && (j % rule.segment) % rule.m === 0)
      chooseRun(weights, start, j, columns, factor, rule, keep);
    if (keep[start + j] === 1) continue;
    const row = j * columns;
    const error = weights[start + j]! / factor[row + j]!;
    for (let k = j + 1; k < columns; k++) weights[start + k]! -= error * factor[row + k]!;
    weights[start + j] = 0;
  }
}

/** Drops all but n of the run that begins at column j. */
function chooseRun(
  weights: Float64Array,
  start: number,
  j: number,
  columns: number,
  factor: Float64Array,
  { n, m, segment }: ColumnRule & { readonly kind: "n-of-m" },
  keep: Uint8Array,
): void {
  const length = Math.min(m, segment - (j % segment));
  const scores = new Float64Array(length);
  const stays = new Uint8Array(length).fill(1);
  for (let i = 0; i < length; i++) scores[i] = (weights[start + j + i]! / factor[(j + i) * (columns + 1)]!) ** 2;
  dropFromRun(scores, 0, length, n, stays);
  keep.set(stays, start + j);
}
