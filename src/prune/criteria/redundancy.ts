import { eachProduct } from "./products.ts";

type Vector = Float32Array | Float64Array;

/** Cosines of all pairs of rows, row-major; with a vector of zeros 1: it adds nothing to what the rest can say. Equal rows and multiples of powers of 2 have 1 exactly. */
export function cosines(rows: readonly Vector[]): Float64Array {
  const n = rows.length;
  const like = new Float64Array(n * n);
  eachProduct(rows, (i, j, product) => {
    like[i * n + j] = product;
  });
  const squares = Float64Array.from({ length: n }, (_, i) => like[i * n + i]!);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const both = squares[i]! * squares[j]!;
      const cosine = both === 0 ? 1 : like[i * n + j]! / Math.sqrt(both);
      like[i * n + j] = Math.max(-1, Math.min(1, cosine));
      like[j * n + i] = like[i * n + j]!;
    }
  }
  return like;
}

/**
 * Distinctness of each unit by taking units away one at a time: of the two most alike that are left, the one that is more like the rest goes (the
 * later on a tie) and scores 1 minus their likeness; the last two score alike, as nothing tells them apart. So of a set of copies all but one score 0,
 * and scores do not fall as units go. `like` is symmetric, row-major.
 */
export function distinctness(like: Float64Array, n: number): Float64Array {
  const total = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (j !== i) total[i]! += like[i * n + j]!;
  const left = new Set(Array.from({ length: n }, (_, i) => i));
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
