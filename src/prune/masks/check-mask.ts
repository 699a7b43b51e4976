import { type Graph, valueById } from "../../ir/index.ts";
import { reasonAgainst } from "./eligible.ts";
import { maskLayers } from "./mask-layers.ts";
import { entriesKept, type KernelPatterns, type MaskPattern, zerosAsked } from "./mask-pattern.ts";
import { forEachKernel } from "./pattern-library.ts";
import { type UnitPattern, unitsOf } from "./units.ts";
import { forEachRun, matrixValues, type WeightMatrix } from "./weight-matrix.ts";

/** What the weights of one layer say about a pattern. */
export interface CheckedLayer {
  readonly node: string;
  readonly weight: string;
  readonly weights: number;
  readonly zeros: number;
  /**
   * How much is wrong, 0 if the pattern holds. n-of-m: runs with more than n that are not zero. unstructured: zeros that are missing for the share. kernel, stripe,
   * block: weights that are not zero in the units that come nearest to being empty, as many units as the share asks. pattern: kernels with more
   * entries than they may have, or with a set of entries that is not among the most frequent `library` ones.
   */
  readonly violations: number;
}

/** The sum over the layers, and of a global share what is missing of it. */
export interface CheckedMask {
  readonly violations: number;
  readonly layers: readonly CheckedLayer[];
}

/**
 * Reads the weights of a graph and counts what breaks a pattern; no mask is looked at. `nodes` are the names of the layers that were masked (`MaskRow.node`);
 * without, all that can hold the pattern.
 */
export function checkMask(graph: Graph, pattern: MaskPattern, nodes?: ReadonlySet<string>): CheckedMask {
  const masked = maskLayers(graph).flatMap((layer) => {
    const { matrix, node } = layer;
    if (matrix === null || (nodes === undefined ? reasonAgainst(layer, pattern) !== null : !nodes.has(node.name)))
      return [];
    return [{ layer, matrix, values: matrixValues(matrix, valueById(graph, layer.value).data!) }];
  });
  const found =
    pattern.kind === "pattern"
      ? foreignKernels(masked, pattern)
      : masked.map(({ matrix, values }) => violationsOf(matrix, values, pattern));
  const layers = masked.map(({ layer, values }, i): CheckedLayer => {
    return {
      node: layer.node.name,
      weight: layer.name,
      weights: layer.size,
      zeros: countZeros(values),
      violations: found[i]!,
    };
  });
  const sum = (of: (layer: CheckedLayer) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  const global = pattern.kind === "unstructured" && pattern.scope === "global";
  const asked = global
    ? zerosAsked(
        pattern.sparsity,
        sum(({ weights }) => weights),
      )
    : 0;
  const missing = Math.max(0, asked - sum(({ zeros }) => zeros));
  return { violations: sum(({ violations }) => violations) + missing, layers };
}

export function countZeros(values: ArrayLike<number>): number {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++;
  return zeros;
}

function violationsOf(
  matrix: WeightMatrix,
  values: Float64Array,
  pattern: Exclude<MaskPattern, KernelPatterns>,
): number {
  switch (pattern.kind) {
    case "n-of-m":
      return brokenRuns(matrix, values, pattern.n, pattern.m);
    case "unstructured":
      return pattern.scope === "global"
        ? 0
        : Math.max(0, zerosAsked(pattern.sparsity, values.length) - countZeros(values));
    case "kernel":
    case "stripe":
    case "block":
      return leftInUnits(matrix, values, pattern);
  }
}

function brokenRuns(matrix: WeightMatrix, values: Float64Array, n: number, m: number): number {
  let broken = 0;
  for (let row = 0; row < matrix.rows; row++)
    forEachRun(matrix, m, (first, length) => {
      const start = row * matrix.columns + first;
      if (length - countZeros(values.subarray(start, start + length)) > n) broken++;
    });
  return broken;
}

/** Weights that would have to go for the share of empty units that is asked: those of the emptiest ones. */
function leftInUnits(matrix: WeightMatrix, values: Float64Array, pattern: UnitPattern): number {
  const { count, unitOf, sizes } = unitsOf(matrix, pattern);
  const used = new Int32Array(count);
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) used[unitOf[i]!]!++;
  // Blocks at the ends are smaller: the share is one of weights there.
  const byWeights = pattern.kind === "block";
  let asked = byWeights ? zerosAsked(pattern.sparsity, values.length) : zerosAsked(pattern.sparsity, count);
  let left = 0;
  const emptiest = Array.from(used, (_, unit) => unit).sort((a, b) => used[a]! - used[b]! || sizes[b]! - sizes[a]!);
  for (const unit of emptiest) {
    if (asked <= 0) break;
    left += used[unit]!;
    asked -= byWeights ? sizes[unit]! : 1;
  }
  return left;
}

/** By layer, the kernels that no library of that many patterns explains; layers of one window size share it. */
function foreignKernels(
  layers: readonly { readonly matrix: WeightMatrix; readonly values: Float64Array }[],
  pattern: KernelPatterns,
): number[] {
  const counts = new Map<string, Map<string, number>>();
  const windowOf = (matrix: WeightMatrix) => matrix.kernel.join();
  const entriesOf = (own: Float64Array) => Array.from(own, (w, p) => (w === 0 ? -1 : p)).filter((p) => p >= 0);
  for (const { matrix, values } of layers) {
    const known = counts.get(windowOf(matrix)) ?? new Map<string, number>();
    counts.set(windowOf(matrix), known);
    const entries = entriesKept(pattern.sparsity, matrix.positions);
    forEachKernel(matrix, values, (own) => {
      const found = entriesOf(own);
      // A kernel with fewer entries than it may have fits several patterns and says nothing about which there are.
      if (found.length === entries) known.set(found.join(), (known.get(found.join()) ?? 0) + 1);
    });
  }
  const libraries = new Map(
    [...counts].map(([window, known]) => {
      const frequent = [...known].sort((a, b) => b[1] - a[1]).slice(0, pattern.library);
      return [window, frequent.map(([key]) => new Set(key.split(",").map(Number)))] as const;
    }),
  );
  return layers.map(({ matrix, values }) => {
    const library = libraries.get(windowOf(matrix))!;
    const entries = entriesKept(pattern.sparsity, matrix.positions);
    let foreign = 0;
    forEachKernel(matrix, values, (own) => {
      const found = entriesOf(own);
      const fits =
        library.length < pattern.library
          ? found.length <= entries
          : library.some((set) => found.every((p) => set.has(p)));
      if (!fits) foreign++;
    });
    return foreign;
  });
}
