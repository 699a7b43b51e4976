import { EspalierError } from "../diagnostics/index.ts";
import { seededRandom } from "../tensor/index.ts";
import { type Dataset, subset } from "./dataset.ts";

/** How many samples `splitDataset` holds out, and the seed that chooses them. */
export interface SplitOptions {
  /** Below 1: the fraction of the samples that is held out; from 1 on: their number. */
  readonly validation: number;
  readonly seed: number;
}

/** Two disjoint index lists that together cover every sample, each in a random but fixed order. */
export interface SplitIndices {
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/**
 * Splits samples so that each class keeps its share in both parts (largest remainders), the same for the same seed.
 * @throws EspalierError "usage" when one part would be empty.
 */
export function stratifiedSplit(labels: ArrayLike<number>, options: SplitOptions): SplitIndices {
  const total = labels.length;
  const { validation, seed } = options;
  const wanted = validation < 1 ? Math.round(validation * total) : validation;
  if (!Number.isInteger(wanted) || wanted < 1 || wanted >= total) {
    throw new EspalierError("usage", `Cannot hold out ${validation} of ${total} samples`, {
      hint: "Give a fraction above 0 and below 1, or a number of samples below the total; both parts need a sample.",
    });
  }
  const random = seededRandom(seed, "split");
  const byClass = indicesByClass(labels);
  const shares = apportion(
    byClass.map((indices) => indices.length),
    wanted,
  );
  const held: number[] = [];
  const kept: number[] = [];
  byClass.forEach((indices, c) => {
    random.shuffle(indices);
    held.push(...indices.slice(0, shares[c]));
    kept.push(...indices.slice(shares[c]));
  });
  random.shuffle(held);
  random.shuffle(kept);
  return { train: Int32Array.from(kept), validation: Int32Array.from(held) };
}

/** `stratifiedSplit` of a data set: both parts share its memory. */
export function splitDataset(dataset: Dataset, options: SplitOptions): { train: Dataset; validation: Dataset } {
  const { train, validation } = stratifiedSplit(dataset.labels, options);
  return { train: subset(dataset, train), validation: subset(dataset, validation) };
}

/** The indices of each class that occurs, classes ascending, indices ascending. */
function indicesByClass(labels: ArrayLike<number>): number[][] {
  const lists = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const list = lists.get(labels[i]!);
    if (list === undefined) lists.set(labels[i]!, [i]);
    else list.push(i);
  }
  return [...lists.entries()].sort((a, b) => a[0] - b[0]).map(([, indices]) => indices);
}

/** Shares `seats` out in proportion to `sizes` (Hamilton's method: floors first, then largest remainders, ties to the first). */
function apportion(sizes: readonly number[], seats: number): number[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const exact = sizes.map((size) => (size * seats) / total);
  const shares = exact.map(Math.floor);
  const order = exact.map((value, i) => ({ i, rest: value - shares[i]! })).sort((a, b) => b.rest - a.rest || a.i - b.i);
  let left = seats - shares.reduce((a, b) => a + b, 0);
  for (const { i } of order) {
    if (left === 0) break;
    if (shares[i]! < sizes[i]!) {
      shares[i]!++;
      left--;
    }
  }
  return shares;
}
