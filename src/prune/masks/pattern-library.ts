import { entriesKept, type KernelPatterns } from "./mask-pattern.ts";
import type { WeightMatrix } from "./weight-matrix.ts";

/** Sets of kernel positions that kernels of one window may keep, the most frequent first. */
export type PatternLibrary = readonly (readonly number[])[];

/** The middle position of a window of odd sizes; null where there is none. */
function centreOf(kernel: readonly number[]): number | null {
  if (kernel.some((size) => size % 2 === 0)) return null;
  return kernel.reduce((at, size) => at * size + (size - 1) / 2, 0);
}

/** Calls `visit` with the scores of each kernel (one filter, one channel), and its filter and channel. The scores are overwritten for the next. */
export function forEachKernel(
  matrix: WeightMatrix,
  scores: ArrayLike<number>,
  visit: (own: Float64Array, row: number, channel: number) => void,
): void {
  const own = new Float64Array(matrix.positions);
  for (let row = 0; row < matrix.rows; row++)
    for (let channel = 0; channel < matrix.channels; channel++) {
      for (let p = 0; p < matrix.positions; p++) own[p] = scores[row * matrix.columns + p * matrix.channels + channel]!;
      visit(own, row, channel);
    }
}

/** The `entries` best positions, the centre always among them, in ascending order. */
function naturalPattern(own: Float64Array, entries: number, centre: number | null): number[] {
  const order = Array.from(own, (_, p) => p).sort(
    (a, b) => Number(b === centre) - Number(a === centre) || own[b]! - own[a]! || a - b,
  );
  return order.slice(0, entries).sort((a, b) => a - b);
}

/**
 * The patterns for kernels of one window size, from the weights of all layers that have it: each kernel's natural pattern is its centre with its largest other
 * magnitudes; the most frequent ones are kept (PatDNN). Of equally frequent ones that which is seen first.
 */
export function patternLibrary(
  layers: readonly { readonly matrix: WeightMatrix; readonly values: Float64Array }[],
  pattern: KernelPatterns,
): PatternLibrary {
  const counts = new Map<string, { readonly positions: readonly number[]; count: number }>();
  for (const { matrix, values } of layers) {
    const entries = entriesKept(pattern.sparsity, matrix.positions);
    const centre = centreOf(matrix.kernel);
    forEachKernel(matrix, values.map(Math.abs), (own) => {
      const positions = naturalPattern(own, entries, centre);
      const key = positions.join();
      const known = counts.get(key) ?? { positions, count: 0 };
      known.count++;
      counts.set(key, known);
    });
  }
  // The sort is stable: ties stay in the order in which they were seen.
  const frequent = [...counts.values()].sort((a, b) => b.count - a.count);
  return frequent.slice(0, pattern.library).map(({ positions }) => positions);
}

/** Each kernel keeps the pattern of the library whose positions score most together; of equal ones the first. */
export function keepPatterns(matrix: WeightMatrix, scores: Float64Array, library: PatternLibrary): Uint8Array {
  const keep = new Uint8Array(scores.length);
  forEachKernel(matrix, scores, (own, row, channel) => {
    const totals = library.map((positions) => positions.reduce((sum, p) => sum + own[p]!, 0));
    const best = library[totals.indexOf(Math.max(...totals))]!;
    for (const p of best) keep[row * matrix.columns + p * matrix.channels + channel] = 1;
  });
  return keep;
}
