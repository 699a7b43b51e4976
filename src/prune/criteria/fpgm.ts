import type { VectorCriterion } from "./criterion.ts";
import { eachProduct, squaresOf } from "./products.ts";

/**
 * Sum of the Euclidean distances to all other units: the unit nearest to the geometric median is the one that the others can best stand in for (He et
 * al., Filter Pruning via Geometric Median, 2019), in each weight that makes or reads units.
 */
export const fpgm: VectorCriterion = {
  kind: "vectors",
  name: "fpgm",
  says: "distance to the other units of the group",
  needs: "weights",
  vectors: distanceSums,
};

/** Share of |a|^2 + |b|^2 below which |a - b|^2 is taken from the differences: rounding of the products is 1e-13 of it. */
const CLOSE = 1e-6;

/** Units of rows may hold unequal numbers of positions; what is missing counts as 0. */
function distanceSums(rows: readonly Float32Array[]): Float64Array {
  const n = rows.length;
  const scores = new Float64Array(n);
  const squares = squaresOf(rows);
  eachProduct(rows, (i, j, product) => {
    if (i === j) return;
    const both = squares[i]! + squares[j]!;
    const square = both - 2 * product;
    const distance = Math.sqrt(square === 0 || square > CLOSE * both ? square : squareOf(rows[i]!, rows[j]!));
    scores[i]! += distance;
    scores[j]! += distance;
  });
  return scores;
}

function squareOf(a: Float32Array, b: Float32Array): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  let sum = 0;
  for (let k = 0; k < short.length; k++) sum += (long[k]! - short[k]!) ** 2;
  for (let k = short.length; k < long.length; k++) sum += long[k]! ** 2;
  return sum;
}
