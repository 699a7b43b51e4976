/** Sums of products over rows [features, 1, outputs] of a linear layer, in float64: all that least squares needs to know of the rows. */
export interface Gram {
  readonly features: number;
  readonly outputs: number;
  /** Rows seen. */
  rows: number;
  /** [features + 1, features + 1 + outputs]: products of the features and the 1 with everything; of features with features the upper triangle counts. */
  readonly products: Float64Array;
  /** Sum of the squares of each output. */
  readonly squares: Float64Array;
}

export function emptyGram(features: number, outputs: number): Gram {
  return {
    features,
    outputs,
    rows: 0,
    products: new Float64Array((features + 1) * (features + 1 + outputs)),
    squares: new Float64Array(outputs),
  };
}

/** Bytes that a Gram takes. */
export function gramBytes(features: number, outputs: number): number {
  return 8 * (features + 1) * (features + 1 + outputs);
}

/** Adds `rows` rows, each [features, 1, outputs] one after the other in `block`. */
export function addRows(gram: Gram, block: Float64Array, rows: number): void {
  const { features, outputs, products } = gram;
  const width = features + 1 + outputs;
  let r = 0;
  // Four rows at a time: each sum is read and written once for four products.
  for (; r + 3 < rows; r += 4) {
    const [p, q, s, t] = [r * width, (r + 1) * width, (r + 2) * width, (r + 3) * width];
    for (let i = 0; i <= features; i++) {
      const [a, b, c, d] = [block[p + i]!, block[q + i]!, block[s + i]!, block[t + i]!];
      if (a === 0 && b === 0 && c === 0 && d === 0) continue;
      const at = i * width;
      for (let j = i; j < width; j++)
        products[at + j]! += a * block[p + j]! + b * block[q + j]! + (c * block[s + j]! + d * block[t + j]!);
    }
  }
  for (; r < rows; r++) {
    const p = r * width;
    for (let i = 0; i <= features; i++) {
      const a = block[p + i]!;
      if (a !== 0) for (let j = i; j < width; j++) products[i * width + j]! += a * block[p + j]!;
    }
  }
  addSquares(gram, block, rows);
}

/** Adds what is not a product with a feature: the squares of the outputs, and the number of rows. */
export function addSquares(gram: Gram, block: Float64Array, rows: number): void {
  const { features, outputs } = gram;
  const width = features + 1 + outputs;
  for (let row = 0; row < rows; row++)
    for (let o = 0; o < outputs; o++) gram.squares[o]! += block[row * width + features + 1 + o]! ** 2;
  gram.rows += rows;
}

/** Sum of the products of features i and j; feature number `features` is the constant 1. */
export function productOf({ features, outputs, products }: Gram, i: number, j: number): number {
  const width = features + 1 + outputs;
  return i <= j ? products[i * width + j]! : products[j * width + i]!;
}

/** Sum of the products of feature i with output o. */
export function outputProduct({ features, outputs, products }: Gram, i: number, o: number): number {
  return products[i * (features + 1 + outputs) + features + 1 + o]!;
}
