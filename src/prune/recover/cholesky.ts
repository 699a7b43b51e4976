/** Rows that are worked out together: each row above is read once for all of them. */
const ROWS = 4;

/** Lower triangle of `a` (n x n, row-major) becomes L with a = L Lᵀ; the upper one is not touched. False where `a` is not positive definite. */
export function choleskyFactor(a: Float64Array, n: number): boolean {
  for (let first = 0; first < n; first += ROWS) {
    const end = Math.min(n, first + ROWS);
    const together = end - first === ROWS ? first : 0;
    for (let j = 0; j < together; j++) fourElements(a, n, first, j);
    for (let i = first; i < end; i++)
      for (let j = together; j <= i; j++) {
        const rest = a[i * n + j]! - dot(a, i * n, j * n, j);
        if (j < i) a[i * n + j] = rest / a[j * n + j]!;
        else if (rest > 0) a[i * n + i] = Math.sqrt(rest);
        else return false;
      }
  }
  return true;
}

/** Column j of four rows of L from `first` on, all below row j. */
function fourElements(a: Float64Array, n: number, first: number, j: number): void {
  const [p, q, r, s, above] = [first * n, (first + 1) * n, (first + 2) * n, (first + 3) * n, j * n];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < j; k++) {
    const factor = a[above + k]!;
    s0 += factor * a[p + k]!;
    s1 += factor * a[q + k]!;
    s2 += factor * a[r + k]!;
    s3 += factor * a[s + k]!;
  }
  const diagonal = a[above + j]!;
  a[p + j] = (a[p + j]! - s0) / diagonal;
  a[q + j] = (a[q + j]! - s1) / diagonal;
  a[r + j] = (a[r + j]! - s2) / diagonal;
  a[s + j] = (a[s + j]! - s3) / diagonal;
}

/** Four sums, because each addition would wait for the one before. */
function dot(a: Float64Array, p: number, q: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += a[p + i]! * a[q + i]!;
    s1 += a[p + i + 1]! * a[q + i + 1]!;
    s2 += a[p + i + 2]! * a[q + i + 2]!;
    s3 += a[p + i + 3]! * a[q + i + 3]!;
  }
  for (; i < length; i++) s0 += a[p + i]! * a[q + i]!;
  return s0 + s1 + (s2 + s3);
}

/** Solves L Lᵀ x = b in place, for the m columns of `b` (n x m, row-major); L as `choleskyFactor` leaves it. */
export function choleskySolve(l: Float64Array, n: number, b: Float64Array, m: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) subtract(b, i * m, j * m, l[i * n + j]!, m);
    scale(b, i * m, 1 / l[i * n + i]!, m);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) subtract(b, i * m, j * m, l[j * n + i]!, m);
    scale(b, i * m, 1 / l[i * n + i]!, m);
  }
}

/** Row p of `b` loses `factor` times row q. */
function subtract(b: Float64Array, p: number, q: number, factor: number, m: number): void {
  if (factor === 0) return;
  for (let c = 0; c < m; c++) b[p + c]! -= factor * b[q + c]!;
}

function scale(b: Float64Array, p: number, factor: number, m: number): void {
  for (let c = 0; c < m; c++) b[p + c]! *= factor;
}

/** The inverse of a symmetric positive definite matrix (n x n, row-major); null where it is not positive definite. */
export function inverseOf(a: Float64Array, n: number): Float64Array | null {
  const l = a.slice();
  if (!choleskyFactor(l, n)) return null;
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  choleskySolve(l, n, inverse, n);
  return inverse;
}
