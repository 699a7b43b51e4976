type Vector = Float32Array | Float64Array;

/** Inner product; units of rows may hold unequal numbers of positions, and what is missing counts as 0. */
function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let k = Math.min(a.length, b.length) - 1; k >= 0; k--) sum += a[k]! * b[k]!;
  return sum;
}

/** |cos| of two vectors with their squared lengths; a vector of zeros is like any other (1): it adds nothing to what the rest can say. */
function likeness(a: Vector, b: Vector, aa: number, bb: number): number {
  return aa === 0 || bb === 0 ? 1 : Math.min(1, Math.abs(dot(a, b)) / Math.sqrt(aa * bb));
}

/**
 * Distinctness of each unit by taking units away one at a time: of the two most alike that are left, the one that is more like the rest goes (the
 * later on a tie) and scores 1 minus their likeness; the last two score alike, as nothing tells them apart. So of a set of copies all but one score 0,
 * and scores do not fall as units go.
 */
export function distinctness(rows: readonly Vector[]): Float64Array {
  const n = rows.length;
  const like = new Float64Array(n * n);
  const total = new Float64Array(n);
  const squares = rows.map((row) => dot(row, row));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const value = likeness(rows[i]!, rows[j]!, squares[i]!, squares[j]!);
      like[i * n + j] = value;
      like[j * n + i] = value;
      total[i]! += value;
      total[j]! += value;
    }
  }
  const left = new Set(rows.keys());
  const nearest = (i: number) => {
    let best = -1;
    for (const j of left) if (j !== i && (best < 0 || like[i * n + j]! > like[i * n + best]!)) best = j;
    return best;
  };
  const partner = Array.from({ length: n }, (_, i) => nearest(i));
  const scores = new Float64Array(n).fill(1);
  while (left.size > 1) {
    const final = left.size === 2;
    let first = -1;
    for (const i of left) if (first < 0 || like[i * n + partner[i]!]! > like[first * n + partner[first]!]!) first = i;
    const second = partner[first]!;
    const gone = total[first]! > total[second]! || (total[first] === total[second] && first > second) ? first : second;
    scores[gone] = 1 - like[first * n + second]!;
    if (final) scores[first + second - gone] = scores[gone]!;
    left.delete(gone);
    for (const i of left) {
      total[i]! -= like[i * n + gone]!;
      if (partner[i] === gone) partner[i] = nearest(i);
    }
  }
  return scores;
}
