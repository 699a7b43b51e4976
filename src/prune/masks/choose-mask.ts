import { EspalierError, invariant } from "../../diagnostics/index.ts";
import { risingOrder, withoutLowest, withoutLowestOfRows } from "./lowest.ts";
import { type MaskCriterion, type MaskPattern, patternText, type Unstructured, zerosAsked } from "./mask-pattern.ts";
import { keepPatterns, type PatternLibrary } from "./pattern-library.ts";
import { type UnitPattern, unitsOf } from "./units.ts";
import { forEachRun, type WeightMatrix } from "./weight-matrix.ts";

/** What a mask is chosen from. Scores are squares: what a weight adds to the squared error when it goes, so that those of a unit add up. */
export interface MaskChoice {
  readonly matrix: WeightMatrix;
  /** A score for each element of the matrix, row by row. */
  readonly scores: Float64Array;
  readonly pattern: MaskPattern;
  readonly criterion: MaskCriterion;
  /** For "pattern". */
  readonly library: PatternLibrary | null;
}

/** Which elements of a layer's matrix stay (1), row by row. Throws EspalierError "budget" when the pattern would leave nothing of a layer, or of a filter. */
export function chooseMask(choice: MaskChoice): Uint8Array {
  const { matrix, scores, pattern, criterion, library } = choice;
  switch (pattern.kind) {
    case "n-of-m":
      return keepNofM(matrix, scores, pattern.n, pattern.m);
    case "unstructured": {
      const zeros = zerosOfLayer(pattern, scores.length);
      return criterion === "wanda" ? withoutLowestOfRows(scores, matrix.rows, zeros) : withoutLowest(scores, zeros);
    }
    case "pattern":
      invariant(library !== null, "a mask of kernel patterns needs their library");
      return keepPatterns(matrix, scores, library);
    case "kernel":
    case "stripe":
    case "block":
      return keepUnits(matrix, scores, pattern);
  }
}

/** Zeros of a layer of so many weights. Throws EspalierError "budget" when none would stay. */
export function zerosOfLayer(pattern: Unstructured, weights: number): number {
  const zeros = zerosAsked(pattern.sparsity, weights);
  if (zeros === weights) throw nothingLeft(pattern, `all ${weights} weights of a layer would be zero`);
  return zeros;
}

function nothingLeft(pattern: MaskPattern, fact: string): EspalierError {
  return new EspalierError("budget", `No mask of ${patternText(pattern)}: ${fact}`, {
    hint: "Ask for fewer zeros, or leave the layer out.",
  });
}

function keepNofM(matrix: WeightMatrix, scores: Float64Array, n: number, m: number): Uint8Array {
  const keep = new Uint8Array(scores.length).fill(1);
  for (let row = 0; row < matrix.rows; row++)
    forEachRun(matrix, m, (first, length) => {
      dropFromRun(scores, row * matrix.columns + first, length, n, keep);
    });
  return keep;
}

/** Drops all but the `n` best of `length` elements; of equal ones the later goes first. */
export function dropFromRun(scores: Float64Array, first: number, length: number, n: number, keep: Uint8Array): void {
  for (let gone = 0; gone < length - n; gone++) {
    let lowest = -1;
    for (let at = first; at < first + length; at++)
      if (keep[at] === 1 && (lowest < 0 || scores[at]! <= scores[lowest]!)) lowest = at;
    keep[lowest] = 0;
  }
}

/** Drops units by their mean score until the share is reached; a filter keeps at least one stripe. */
function keepUnits(matrix: WeightMatrix, scores: Float64Array, pattern: UnitPattern): Uint8Array {
  const { count, unitOf, sizes } = unitsOf(matrix, pattern);
  const means = new Float64Array(count);
  for (let i = 0; i < scores.length; i++) means[unitOf[i]!]! += scores[i]! / sizes[unitOf[i]!]!;
  const asked =
    pattern.kind === "block"
      ? zerosAsked(pattern.sparsity, scores.length)
      : zerosAsked(pattern.sparsity, count) * sizes[0]!; // positions and stripes are all of one size
  const stays = new Uint8Array(count).fill(1);
  const stripes = new Int32Array(matrix.rows).fill(matrix.positions);
  let zeros = 0;
  for (const unit of risingOrder(means)) {
    if (zeros >= asked) break;
    if (pattern.kind === "stripe") {
      const filter = Math.floor(unit / matrix.positions);
      if (stripes[filter] === 1) continue;
      stripes[filter]!--;
    }
    stays[unit] = 0;
    zeros += sizes[unit]!;
  }
  if (zeros < asked)
    throw nothingLeft(pattern, `each of ${matrix.rows} filters keeps one of its ${matrix.positions} stripes`);
  if (zeros === scores.length) throw nothingLeft(pattern, `all ${count} of its units would be zero`);
  return Uint8Array.from(unitOf, (unit) => stays[unit]!);
}
