/** Which of `scores` stay (1) when the `count` lowest go; of equal ones the later go first. */
export function withoutLowest(scores: Float64Array, count: number): Uint8Array {
  const keep = new Uint8Array(scores.length).fill(1);
  if (count <= 0) return keep;
  const limit = Float64Array.from(scores).sort()[count - 1]!;
  let left = count;
  for (let i = 0; i < scores.length; i++)
    if (scores[i]! < limit) {
      keep[i] = 0;
      left--;
    }
  for (let i = scores.length - 1; i >= 0 && left > 0; i--)
    if (scores[i] === limit) {
      keep[i] = 0;
      left--;
    }
  return keep;
}

/** Indices from the lowest score to the highest; of equal ones the later first. */
export function risingOrder(scores: ArrayLike<number>): number[] {
  return Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]! || b - a);
}

/**
 * As `withoutLowest`, but compared within rows: every row loses its share of `count`, and where that is no whole number, one more go from the rows in which the
 * next one is the lowest.
 */
export function withoutLowestOfRows(scores: Float64Array, rows: number, count: number): Uint8Array {
  const columns = scores.length / rows;
  const keep = new Uint8Array(scores.length).fill(1);
  const each = Math.floor(count / rows);
  const next = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const places = new Int32Array(rows).fill(-1);
  for (let row = 0; row < rows; row++) {
    const order = risingOrder(scores.subarray(row * columns, (row + 1) * columns));
    for (let i = 0; i < each; i++) keep[row * columns + order[i]!] = 0;
    if (each === columns) continue;
    places[row] = row * columns + order[each]!;
    next[row] = scores[places[row]!]!;
  }
  for (const row of risingOrder(next).slice(0, count - each * rows)) keep[places[row]!] = 0;
  return keep;
}
