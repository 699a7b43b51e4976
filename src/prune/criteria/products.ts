type Vector = Float32Array | Float64Array;

/** Rows of a block and elements of a chunk: two blocks of a chunk and their products (3 x 288 KiB) stay in the second-level cache. */
const BLOCK = 192;
const CHUNK = 192;

/**
 * Calls `visit` with the inner product of every pair i >= j of rows, in float64; of rows of unequal length what is missing counts as 0. All products are
 * summed in the same order, so that equal rows have equal products: |a|^2 + |b|^2 - 2ab of them is 0 exactly.
 */
export function eachProduct(rows: readonly Vector[], visit: (i: number, j: number, product: number) => void): void {
  const length = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const sums = new Float64Array(BLOCK * BLOCK);
  const left = new Float64Array(BLOCK * CHUNK);
  const right = new Float64Array(BLOCK * CHUNK);
  for (let i = 0; i < rows.length; i += BLOCK) {
    for (let j = 0; j <= i; j += BLOCK) {
      sums.fill(0);
      for (let from = 0; from < length; from += CHUNK) {
        const size = Math.min(CHUNK, length - from);
        pack(rows, i, from, size, left);
        pack(rows, j, from, size, right);
        addProducts(left, rows.length - i, right, i === j ? null : rows.length - j, size, sums);
      }
      for (let r = i; r < Math.min(i + BLOCK, rows.length); r++)
        for (let c = j; c < Math.min(j + BLOCK, r + 1); c++) visit(r, c, sums[(r - i) * BLOCK + c - j]!);
    }
  }
}

/** A chunk of a block as threes of rows whose elements alternate; zeros where there are no rows or elements. */
function pack(rows: readonly Vector[], first: number, from: number, size: number, into: Float64Array): void {
  for (let r = 0; r < Math.min(BLOCK, rows.length - first + 2); r++) {
    const row = rows[first + r];
    const start = (r - (r % 3)) * size + (r % 3);
    const own = row === undefined ? 0 : Math.max(0, Math.min(size, row.length - from));
    for (let k = 0; k < own; k++) into[start + 3 * k] = row![from + k]!;
    for (let k = own; k < size; k++) into[start + 3 * k] = 0;
  }
}

/** Of the rows that there are; of a block with itself (`columns` null) only the pairs at or below the diagonal. */
function addProducts(
  left: Float64Array,
  rows: number,
  right: Float64Array,
  columns: number | null,
  size: number,
  sums: Float64Array,
): void {
  for (let i = 0; i < Math.min(BLOCK, rows); i += 3) {
    const end = Math.min(BLOCK, columns ?? i + 1);
    for (let j = 0; j < end; j += 3) addSquare(left, i * size, right, j * size, size, sums, i * BLOCK + j);
  }
}

/** The nine products of three rows with three others: nine sums and six factors fit the sixteen registers of a processor. */
function addSquare(
  left: Float64Array,
  leftAt: number,
  right: Float64Array,
  rightAt: number,
  size: number,
  sums: Float64Array,
  at: number,
): void {
  let [ax, ay, az, bx, by, bz, cx, cy, cz] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < 3 * size; k += 3) {
    const a = left[leftAt + k]!;
    const b = left[leftAt + k + 1]!;
    const c = left[leftAt + k + 2]!;
    const x = right[rightAt + k]!;
    const y = right[rightAt + k + 1]!;
    const z = right[rightAt + k + 2]!;
    ax += a * x;
    ay += a * y;
    az += a * z;
    bx += b * x;
    by += b * y;
    bz += b * z;
    cx += c * x;
    cy += c * y;
    cz += c * z;
  }
  sums[at]! += ax;
  sums[at + 1]! += ay;
  sums[at + 2]! += az;
  sums[at + BLOCK]! += bx;
  sums[at + BLOCK + 1]! += by;
  sums[at + BLOCK + 2]! += bz;
  sums[at + 2 * BLOCK]! += cx;
  sums[at + 2 * BLOCK + 1]! += cy;
  sums[at + 2 * BLOCK + 2]! += cz;
}

/** The squared length of each row, summed in the same order as the products. */
export function squaresOf(rows: readonly Vector[]): Float64Array {
  return Float64Array.from(rows, (row) => {
    let square = 0;
    for (let from = 0; from < row.length; from += CHUNK) {
      let sum = 0;
      for (let k = from; k < Math.min(from + CHUNK, row.length); k++) sum += row[k]! * row[k]!;
      square += sum;
    }
    return square;
  });
}
