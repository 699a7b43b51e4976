import { choleskyFactor, choleskySolve, inverseOf } from "./cholesky.ts";

/** One product y = x W that reads units, with what its inputs are like. */
export interface ReadProduct {
  readonly features: number;
  readonly outputs: number;
  /** [features, outputs]. */
  readonly weights: Float64Array;
  /** Mean of x xᵀ with a ridge on its diagonal, [features, features]. */
  readonly hessian: Float64Array;
  /** The features of each unit; empty for one that this product does not read. */
  readonly featuresOf: readonly (readonly number[])[];
}

/** A product while units go: the inverse of what is left of its Hessian, and the weights refitted to it. */
interface State extends ReadProduct {
  readonly inverse: Float64Array;
}

/**
 * Removes units one after the other, always the one that costs least, with all other weights refitted each time, and says what each costs: half the squared
 * error that its removal adds, summed over the products,
 *
 *     1/2 tr(W_Sᵀ [(H⁻¹)_SS]⁻¹ W_S),   then W -= H⁻¹_:S [(H⁻¹)_SS]⁻¹ W_S,   H⁻¹ -= H⁻¹_:S [(H⁻¹)_SS]⁻¹ H⁻¹_S:
 *
 * for the unit's features S (Hassibi and Stork 1993, Optimal Brain Surgeon; for whole units Stahlberger and Riedmiller 1997, Unit-OBS, and Kurtic et al. 2023,
 * ZipLM; layer by layer Frantar and Alistarh 2022, Optimal Brain Compression).
 * A cost is at least that of the unit that went before, so that order by cost is order of removal. NaN for units that no product reads; null where a
 * Hessian is singular.
 */
export function removalErrors(products: readonly ReadProduct[], units: number): Float64Array | null {
  const states: State[] = [];
  for (const product of products) {
    const inverse = inverseOf(product.hessian, product.features);
    if (inverse === null) return null;
    states.push({ ...product, weights: product.weights.slice(), inverse });
  }
  const errors = new Float64Array(units).fill(Number.NaN);
  const left = new Set<number>();
  for (const { featuresOf } of states)
    featuresOf.forEach((own, unit) => {
      if (own.length > 0) left.add(unit);
    });
  let last = 0;
  while (left.size > 0) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const unit of left) {
      const cost = states.reduce((sum, state) => sum + costOf(state, state.featuresOf[unit]!), 0);
      if (best < 0 || cost < least) [best, least] = [unit, cost];
    }
    last = Math.max(last, least);
    errors[best] = last;
    left.delete(best);
    for (const state of states) remove(state, state.featuresOf[best]!);
  }
  return errors;
}

function costOf({ weights, outputs, ...state }: State, set: readonly number[]): number {
  if (set.length === 0) return 0;
  const own = rowsOf(weights, outputs, set);
  const solved = solveBlock(state, set, own.slice(), outputs);
  return 0.5 * own.reduce((sum, value, i) => sum + value * solved[i]!, 0);
}

/** Takes the features out; their weights and their rows and columns of the inverse become zero. */
function remove({ weights, outputs, ...state }: State, set: readonly number[]): void {
  if (set.length === 0) return;
  const { inverse, features } = state;
  const rows = rowsOf(inverse, features, set);
  const forWeights = solveBlock(state, set, rowsOf(weights, outputs, set), outputs);
  const forInverse = solveBlock(state, set, rows.slice(), features);
  for (let i = 0; i < features; i++)
    set.forEach((_, s) => {
      // The inverse is symmetric: column s is row s.
      const factor = rows[s * features + i]!;
      if (factor === 0) return;
      for (let o = 0; o < outputs; o++) weights[i * outputs + o]! -= factor * forWeights[s * outputs + o]!;
      for (let j = 0; j < features; j++) inverse[i * features + j]! -= factor * forInverse[s * features + j]!;
    });
  for (const f of set) {
    weights.fill(0, f * outputs, (f + 1) * outputs);
    inverse.fill(0, f * features, (f + 1) * features);
    for (let i = 0; i < features; i++) inverse[i * features + f] = 0;
  }
}

function rowsOf(matrix: Float64Array, width: number, rows: readonly number[]): Float64Array {
  const found = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    found.set(matrix.subarray(row * width, (row + 1) * width), i * width);
  });
  return found;
}

/** [(H⁻¹)_SS]⁻¹ times the rows, in place. */
function solveBlock(
  { inverse, features }: Pick<State, "inverse" | "features">,
  set: readonly number[],
  rows: Float64Array,
  width: number,
): Float64Array {
  const n = set.length;
  const block = Float64Array.from(
    { length: n * n },
    (_, at) => inverse[set[Math.floor(at / n)]! * features + set[at % n]!]!,
  );
  const diagonal = block.filter((_, at) => at % (n + 1) === 0);
  if (choleskyFactor(block, n)) choleskySolve(block, n, rows, width);
  // Rounding has eaten the block: its features are as good as taken one by one.
  else for (let i = 0; i < rows.length; i++) rows[i]! /= Math.max(diagonal[Math.floor(i / width)]!, Number.MIN_VALUE);
  return rows;
}
