import { invariant } from "../../diagnostics/index.ts";

/**
 * Coefficients c >= 0 that minimise the sum of w (x . c / y - 1)^2, the squared relative error, so that a slow network weighs no more than a fast one.
 * Weights w are 1 if not given. Tries every subset of the columns (at most 8) and keeps the best whose unconstrained solution is not negative: exact, and needs no iteration.
 */
export function fitNonNegative(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  weights?: readonly number[],
): number[] {
  const columns = rows[0]?.length ?? 0;
  invariant(rows.length === targets.length && rows.length > 0, `${rows.length} rows for ${targets.length} targets`);
  invariant(columns > 0 && columns <= 8, `${columns} columns, expected 1 to 8`);
  const roots = targets.map((_, i) => Math.sqrt(weights?.[i] ?? 1));
  const scaled = rows.map((row, i) => row.map((value) => (roots[i]! * value) / targets[i]!));
  let best: number[] = new Array<number>(columns).fill(0);
  let bestLoss = Number.POSITIVE_INFINITY;
  for (let mask = 1; mask < 1 << columns; mask++) {
    const chosen = Array.from({ length: columns }, (_, c) => c).filter((c) => (mask >> c) & 1);
    const solution = solveNormalEquations(scaled, roots, chosen);
    if (solution === null || solution.some((value) => value < 0)) continue;
    const full = new Array<number>(columns).fill(0);
    chosen.forEach((column, i) => {
      full[column] = solution[i]!;
    });
    const loss = scaled.reduce((sum, row, i) => sum + (dot(row, full) - roots[i]!) ** 2, 0);
    if (loss < bestLoss - 1e-12) {
      best = full;
      bestLoss = loss;
    }
  }
  return best;
}

/** x . c */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** Least squares of the chosen columns against a target column; null when they are collinear (a pivot below 1e-10 of the largest diagonal entry, after column scaling). */
function solveNormalEquations(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  chosen: readonly number[],
): number[] | null {
  const n = chosen.length;
  const norms = chosen.map((c) => Math.sqrt(rows.reduce((sum, row) => sum + row[c]! ** 2, 0)));
  if (norms.some((norm) => norm === 0)) return null;
  const value = (row: readonly number[], i: number) => row[chosen[i]!]! / norms[i]!;
  const matrix = chosen.map((_, i) => [
    ...chosen.map((_, j) => rows.reduce((sum, row) => sum + value(row, i) * value(row, j), 0)),
    rows.reduce((sum, row, r) => sum + value(row, i) * targets[r]!, 0),
  ]);
  for (let pivot = 0; pivot < n; pivot++) {
    const head = matrix[pivot]![pivot]!;
    if (Math.abs(head) < 1e-10) return null;
    for (let r = 0; r < n; r++) {
      if (r === pivot) continue;
      const factor = matrix[r]![pivot]! / head;
      for (let c = pivot; c <= n; c++) matrix[r]![c]! -= factor * matrix[pivot]![c]!;
    }
  }
  return matrix.map((row, i) => row[n]! / row[i]! / norms[i]!);
}

/**
 * As `fitNonNegative`, with every coefficient drawn towards the pooled rate (sum y / sum x over all columns) by a pseudo-row of the given weight. Where
 * the rows say nothing of a column (a kernel class that no network left in the fit uses) its coefficient becomes the pooled rate instead of 0; where
 * they say something, a weight of a tenth of a row hardly moves it.
 */
export function fitTowardsPooled(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  weight = 0.1,
): number[] {
  const columns = rows[0]?.length ?? 0;
  const pooled = fitNonNegative(
    rows.map((row) => [row.reduce((sum, value) => sum + value, 0)]),
    targets,
  )[0]!;
  const priors = Array.from({ length: columns }, (_, c) =>
    Array.from({ length: columns }, (_, j) => (c === j ? 1 : 0)),
  );
  return fitNonNegative(
    [...rows, ...priors],
    [...targets, ...priors.map(() => pooled)],
    [...rows.map(() => 1), ...priors.map(() => weight)],
  );
}
