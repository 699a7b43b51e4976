import { EspalierError } from "../../diagnostics/index.ts";

/** At most `n` of each `m` weights that follow one another along the axis that is summed over are not zero. */
export interface NofM {
  readonly kind: "n-of-m";
  readonly n: number;
  readonly m: number;
}

/** Single weights, wherever they are. */
export interface Unstructured {
  readonly kind: "unstructured";
  readonly sparsity: number;
  /** The share holds in each layer, or over all of them together. */
  readonly scope: "layer" | "global";
}

/** The same kernel positions are zero in all filters and channels of a layer (the shape of a layer's kernels). */
export interface KernelShape {
  readonly kind: "kernel";
  readonly sparsity: number;
}

/** Each filter has kernel positions of its own that are zero over all its input channels (Meng et al. 2020, Pruning Filter in Filter). */
export interface Stripes {
  readonly kind: "stripe";
  readonly sparsity: number;
}

/**
 * Each kernel (one filter, one channel) keeps one of `library` sets of positions, all of the same size: (1 - sparsity) x positions, rounded down
 * (Niu et al. 2020, PatDNN; Ma et al. 2020, PCONV). Whole kernels are not removed.
 */
export interface KernelPatterns {
  readonly kind: "pattern";
  readonly sparsity: number;
  readonly library: number;
}

/** Aligned blocks of outputs x input channels at one kernel position; blocks at the ends may be smaller. */
export interface Blocks {
  readonly kind: "block";
  readonly rows: number;
  readonly columns: number;
  readonly sparsity: number;
}

/** Where weights may be zero. None of these can be cut out: the tensors keep their shapes, and only what knows the pattern gains by it. */
export type MaskPattern = NofM | Unstructured | KernelShape | Stripes | KernelPatterns | Blocks;

/**
 * What says which weights matter least. magnitude: |w|. wanda: |w| x ‖x‖₂ of the input that it multiplies (Sun et al. 2023), compared within an output.
 * sparsegpt: w² / [H⁻¹]ⱼⱼ, and the weights that stay make up for those that go (Frantar and Alistarh 2023).
 */
export type MaskCriterion = "magnitude" | "wanda" | "sparsegpt";

/** The criteria by name, cheapest first. */
export const MASK_CRITERIA: readonly MaskCriterion[] = ["magnitude", "wanda", "sparsegpt"];

/** A pattern in words: "2:4", "block 4x4 at 50 %". */
export function patternText(pattern: MaskPattern): string {
  if (pattern.kind === "n-of-m") return `${pattern.n}:${pattern.m}`;
  const share = `${Number((100 * pattern.sparsity).toFixed(2))} %`;
  switch (pattern.kind) {
    case "unstructured":
      return `unstructured at ${share}${pattern.scope === "global" ? " over all layers" : ""}`;
    case "kernel":
      return `kernel shapes at ${share}`;
    case "stripe":
      return `stripes at ${share}`;
    case "pattern":
      return `${pattern.library} kernel patterns at ${share}`;
    case "block":
      return `blocks of ${pattern.rows} x ${pattern.columns} at ${share}`;
  }
}

function whole(what: string, value: number, least: number, most = 2 ** 31 - 1): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new EspalierError("usage", `${what} must be a whole number from ${least} to ${most}, got ${value}`);
}

/** Refuses numbers that make no pattern, and criteria that cannot choose it. Throws EspalierError "usage". */
export function checkRequest(pattern: MaskPattern, criterion: MaskCriterion): void {
  if (pattern.kind === "n-of-m") {
    whole("m of an n:m pattern", pattern.m, 2, 4096);
    whole(`n of an n:${pattern.m} pattern`, pattern.n, 1, pattern.m - 1);
    return;
  }
  const { sparsity } = pattern;
  if (!(sparsity > 0 && sparsity < 1))
    throw new EspalierError("usage", `Sparsity must lie between 0 and 1, both excluded, got ${sparsity}`);
  if (pattern.kind === "pattern") whole("The number of kernel patterns", pattern.library, 1, 1024);
  if (pattern.kind === "block") {
    whole("Rows of a block", pattern.rows, 1);
    whole("Columns of a block", pattern.columns, 1);
  }
  if (pattern.kind === "unstructured" && pattern.scope === "global" && criterion !== "magnitude")
    throw new EspalierError(
      "usage",
      `Criterion "${criterion}" compares weights of one layer, the share was asked over all of them`,
      { hint: 'Choose the criterion "magnitude", or a share of each layer.' },
    );
}

/** Zeros that a share asks of `count` weights or units: never fewer than the share. */
export function zerosAsked(sparsity: number, count: number): number {
  return Math.ceil(sparsity * count - 1e-9);
}

/** Positions that each kernel of a "pattern" mask keeps. */
export function entriesKept(sparsity: number, positions: number): number {
  return Math.floor((1 - sparsity) * positions + 1e-9);
}
