import { EspalierError } from "../../diagnostics/index.ts";

/**
 * Turns a symmetric positive definite H (n x n, row-major) into the upper triangular U with UᵀU = H⁻¹, the inverse's Cholesky factor, in place. With H = R Rᵀ, R
 * upper triangular (the Cholesky factor of H with rows and columns in reverse, turned back), U is R⁻¹: n³ / 6 multiply-adds for each of both steps, and no inverse
 * of H. Throws EspalierError "input" for an H that is not positive definite.
 */
export function inverseFactor(h: Float64Array, n: number): Float64Array {
  factorReversed(h, n);
  invertUpper(h, n);
  return h;
}

/** Rows and columns that are worked on at once: what they need stays in the processor's cache while the rest of the matrix passes by. */
const TILE = 32;

/** Turns H into R upper triangular with H = R Rᵀ, column by column from the last. */
function factorReversed(r: Float64Array, n: number): void {
  for (let to = n; to > 0; to -= TILE) {
    const from = Math.max(0, to - TILE);
    if (to < n) subtractProducts(r, n, from, to);
    factorTile(r, n, from, to);
  }
}

/** r[i, j] -= Σ r[i, k] r[j, k] over k from `to` on, for columns j of the tile and rows i above its end. */
function subtractProducts(r: Float64Array, n: number, from: number, to: number): void {
  for (let i = 0; i < to; i++) {
    let j = from;
    for (; j + 3 < to; j += 4) {
      const [a, b, c, d] = [j * n, (j + 1) * n, (j + 2) * n, (j + 3) * n];
      let [p, q, s, t] = [0, 0, 0, 0];
      for (let k = to; k < n; k++) {
        const own = r[i * n + k]!;
        p += own * r[a + k]!;
        q += own * r[b + k]!;
        s += own * r[c + k]!;
        t += own * r[d + k]!;
      }
      r[i * n + j]! -= p;
      r[i * n + j + 1]! -= q;
      r[i * n + j + 2]! -= s;
      r[i * n + j + 3]! -= t;
    }
    for (; j < to; j++) {
      let sum = 0;
      for (let k = to; k < n; k++) sum += r[i * n + k]! * r[j * n + k]!;
      r[i * n + j]! -= sum;
    }
  }
}

/** The columns of a tile, from which all that lies to their right is subtracted already. */
function factorTile(r: Float64Array, n: number, from: number, to: number): void {
  for (let j = to - 1; j >= from; j--) {
    let square = r[j * n + j]!;
    for (let k = j + 1; k < to; k++) square -= r[j * n + k]! ** 2;
    if (!(square > 0))
      throw new EspalierError(
        "input",
        `The inputs of a layer give no positive Hessian: pivot ${j} of ${n} is ${square}`,
        {
          hint: "Give more samples, or a greater damping.",
        },
      );
    const pivot = Math.sqrt(square);
    r[j * n + j] = pivot;
    for (let i = 0; i < j; i++) {
      let sum = r[i * n + j]!;
      for (let k = j + 1; k < to; k++) sum -= r[i * n + k]! * r[j * n + k]!;
      r[i * n + j] = sum / pivot;
    }
    r.fill(0, j * n, j * n + j); // below the diagonal
  }
}

/** Turns an upper triangular matrix into its inverse, row by row from the last: row i is (eᵢ - Σ rᵢₖ uₖ) / rᵢᵢ over k > i. */
function invertUpper(u: Float64Array, n: number): void {
  for (let to = n; to > 0; to -= TILE) {
    const from = Math.max(0, to - TILE);
    const r = u.slice(from * n, to * n);
    u.fill(0, from * n, to * n);
    let k = to;
    for (; k + 3 < n; k += 4) for (let i = from; i < to; i++) subtractFour(u, r, n, i, i - from, k);
    for (; k < n; k++) for (let i = from; i < to; i++) subtractRow(u, r, n, i, i - from, k);
    for (let i = to - 1; i >= from; i--) {
      for (let other = i + 1; other < to; other++) subtractRow(u, r, n, i, i - from, other);
      const pivot = r[(i - from) * n + i]!;
      u[i * n + i] = 1;
      for (let j = i; j < n; j++) u[i * n + j]! /= pivot;
    }
  }
}

/** Row i of u less r[own, k] x row k. */
function subtractRow(u: Float64Array, r: Float64Array, n: number, i: number, own: number, k: number): void {
  const factor = r[own * n + k]!;
  for (let j = k; j < n; j++) u[i * n + j]! -= factor * u[k * n + j]!;
}

/** The four rows from k on, of which only zeros lie to the left of k. */
function subtractFour(u: Float64Array, r: Float64Array, n: number, i: number, own: number, k: number): void {
  const at = own * n + k;
  const [a, b, c, d] = [r[at]!, r[at + 1]!, r[at + 2]!, r[at + 3]!];
  const [p, q, s, t] = [k * n, (k + 1) * n, (k + 2) * n, (k + 3) * n];
  for (let j = k; j < n; j++) u[i * n + j]! -= a * u[p + j]! + b * u[q + j]! + (c * u[s + j]! + d * u[t + j]!);
}

/** The diagonal of UᵀU. */
export function inverseDiagonal(u: Float64Array, n: number): Float64Array {
  const diagonal = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) diagonal[j]! += u[i * n + j]! ** 2;
  return diagonal;
}
