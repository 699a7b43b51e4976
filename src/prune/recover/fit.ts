import { choleskyFactor, choleskySolve } from "./cholesky.ts";
import { type Gram, outputProduct, productOf } from "./gram.ts";

/** A linear map: y = x W + b, W [features, outputs]. */
export interface LinearMap {
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

/** Sums over rows of each feature (the last is the 1) times each output of the map, [features + 1, outputs]. */
function mapProducts(gram: Gram, { weights, bias }: LinearMap): Float64Array {
  const { features, outputs } = gram;
  const size = features + 1;
  const map = new Float64Array(size * outputs);
  map.set(weights);
  map.set(bias, features * outputs);
  const sums = new Float64Array(size * outputs);
  for (let i = 0; i < size; i++) {
    const to = i * outputs;
    let j = 0;
    // Four features at a time: each sum is read and written once for four products.
    for (; j + 3 < size; j += 4) {
      const from = j * outputs;
      const [a, b] = [productOf(gram, i, j), productOf(gram, i, j + 1)];
      const [c, d] = [productOf(gram, i, j + 2), productOf(gram, i, j + 3)];
      for (let o = 0; o < outputs; o++) {
        const at = from + o;
        sums[to + o]! +=
          a * map[at]! + b * map[at + outputs]! + (c * map[at + 2 * outputs]! + d * map[at + 3 * outputs]!);
      }
    }
    for (; j < size; j++) {
      const a = productOf(gram, i, j);
      for (let o = 0; o < outputs; o++) sums[to + o]! += a * map[j * outputs + o]!;
    }
  }
  return sums;
}

/** Sum over rows and outputs of (y - x W - b)². */
export function squaredError(gram: Gram, map: LinearMap): number {
  const { features, outputs } = gram;
  const sums = mapProducts(gram, map);
  let error = gram.squares.reduce((sum, squares) => sum + squares, 0);
  for (let i = 0; i <= features; i++)
    for (let o = 0; o < outputs; o++) {
      const weight = i < features ? map.weights[i * outputs + o]! : map.bias[o]!;
      error += weight * (sums[i * outputs + o]! - 2 * outputProduct(gram, i, o));
    }
  // What is left of a difference of large sums may be less than nothing.
  return Math.max(0, error);
}

/** The variance of each output of the map, over that of the output it stands for; 1 where the latter is constant. */
export function explainedVariance(gram: Gram, map: LinearMap): Float64Array {
  const { features, outputs, rows, squares } = gram;
  const sums = mapProducts(gram, map);
  return new Float64Array(outputs).map((_, o) => {
    const mean = sums[features * outputs + o]! / rows;
    let own = map.bias[o]! * mean * rows;
    for (let i = 0; i < features; i++) own += map.weights[i * outputs + o]! * sums[i * outputs + o]!;
    const variance = squares[o]! / rows - (outputProduct(gram, features, o) / rows) ** 2;
    return variance > 0 ? (own / rows - mean ** 2) / variance : 1;
  });
}

/** The map with the bias that is best for its weights: the mean of what they leave. */
export function fitBias(gram: Gram, { weights }: LinearMap): LinearMap {
  const { features, outputs, rows } = gram;
  const bias = Float64Array.from({ length: outputs }, (_, o) => outputProduct(gram, features, o));
  for (let i = 0; i < features; i++) {
    const sum = productOf(gram, features, i);
    for (let o = 0; o < outputs; o++) bias[o]! -= sum * weights[i * outputs + o]!;
  }
  return { weights, bias: bias.map((sum) => sum / Math.max(1, rows)) };
}

/**
 * Minimises the squared error + ridge |W - W0|² over W and, with `bias`, b: W = W0 + (A + ridge I)⁻¹ Xᵀ(Y - X W0 - b0), where A = Xᵀ X, about the means when
 * there is a bias. Held to the weights that are there instead of to zero, it changes nothing where the rows say nothing, and it is the update of
 * Optimal Brain Surgeon (Hassibi and Stork 1993) for H = A + ridge I. `ridge` is relative to the mean of A's diagonal. Null where A + ridge I is singular.
 */
export function fitWeights(
  gram: Gram,
  start: LinearMap,
  { ridge, bias }: { readonly ridge: number; readonly bias: boolean },
): LinearMap | null {
  const { features, outputs, rows } = gram;
  const means = Float64Array.from({ length: features }, (_, i) => (bias ? productOf(gram, i, features) / rows : 0));
  const a = new Float64Array(features * features);
  let trace = 0;
  for (let i = 0; i < features; i++) {
    // The lower triangle is all that is read.
    for (let j = 0; j <= i; j++) a[i * features + j] = productOf(gram, j, i) - rows * means[i]! * means[j]!;
    trace += a[i * features + i]!;
  }
  if (!(trace > 0)) return bias ? fitBias(gram, start) : start;
  for (let i = 0; i < features; i++) a[i * features + i]! += (ridge * trace) / features;
  const sums = mapProducts(gram, start);
  const left = (i: number, o: number) => outputProduct(gram, i, o) - sums[i * outputs + o]!;
  const delta = new Float64Array(features * outputs);
  for (let i = 0; i < features; i++)
    for (let o = 0; o < outputs; o++) delta[i * outputs + o] = left(i, o) - means[i]! * left(features, o);
  if (!choleskyFactor(a, features)) return null;
  choleskySolve(a, features, delta, outputs);
  const map = { weights: start.weights.map((w, i) => w + delta[i]!), bias: start.bias };
  return bias ? fitBias(gram, map) : map;
}
