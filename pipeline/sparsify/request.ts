import { EspalierError, suggestion } from "../../src/diagnostics/index.ts";
import type { MaskCriterion, MaskPattern } from "../../src/prune/index.ts";
import type { InputSettings } from "../model-file.ts";

/** What `espalier sparsify` is asked for. */
export interface SparsifyRequest extends InputSettings {
  readonly model: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly data?: string;
  /** Samples of `data` that criteria look at. */
  readonly samples?: number;
  /** N:M, or the name of a pattern; block:RxC and pattern:COUNT say its size. */
  readonly pattern: string;
  /** Share of zeros; N:M says it itself. */
  readonly sparsity?: number;
  readonly scope?: "layer" | "global";
  readonly criterion?: MaskCriterion;
  /** Weights that stay dense, by name; * is any text. */
  readonly exclude?: readonly string[];
}

/** Names of the patterns besides N:M. */
export const PATTERN_NAMES = ["unstructured", "kernel", "stripe", "pattern", "block"] as const;

const DEFAULT_SPARSITY = 0.5;
/** PatDNN's library of 8 patterns, of which more bring little (Niu et al. 2020). */
const DEFAULT_LIBRARY = 8;
const DEFAULT_BLOCK = [4, 4] as const;

function refuse(text: string, fact: string): EspalierError {
  return new EspalierError("usage", `--pattern got "${text}": ${fact}`, {
    hint: "Write 2:4 (or another n:m), unstructured, kernel, stripe, pattern, pattern:8, block or block:4x4.",
  });
}

/** The pattern that the flags mean. Throws EspalierError "usage" for words that are none, and for flags that contradict one another. */
export function patternOf({ pattern: text, sparsity, scope }: SparsifyRequest): MaskPattern {
  const pair = /^(\d{1,4}):(\d{1,4})$/.exec(text);
  const [, name, size] = /^([a-z]+)(?::(.+))?$/.exec(text) ?? [];
  if (scope !== undefined && name !== "unstructured")
    throw new EspalierError("usage", `--scope goes with the pattern "unstructured", not with "${text}"`, {
      hint: "Leave it out.",
    });
  if (pair !== null) {
    if (sparsity !== undefined)
      throw new EspalierError("usage", `--sparsity ${sparsity} contradicts ${text}, which says its share itself`, {
        hint: "Leave --sparsity out.",
      });
    return { kind: "n-of-m", n: Number(pair[1]), m: Number(pair[2]) };
  }
  const share = sparsity ?? DEFAULT_SPARSITY;
  if (size !== undefined && name !== "block" && name !== "pattern") throw refuse(text, "it takes no size");
  switch (name) {
    case "unstructured":
      return { kind: name, sparsity: share, scope: scope ?? "layer" };
    case "kernel":
    case "stripe":
      return { kind: name, sparsity: share };
    case "pattern":
      if (size !== undefined && !/^\d{1,4}$/.test(size)) throw refuse(text, `"${size}" is no number of patterns`);
      return { kind: name, sparsity: share, library: size === undefined ? DEFAULT_LIBRARY : Number(size) };
    case "block": {
      const sides = size === undefined ? null : /^(\d{1,6})x(\d{1,6})$/.exec(size);
      if (size !== undefined && sides === null) throw refuse(text, `"${size}" is no block such as 4x4`);
      const [rows, columns] = sides === null ? DEFAULT_BLOCK : [Number(sides[1]), Number(sides[2])];
      return { kind: name, sparsity: share, rows, columns };
    }
    default:
      throw refuse(text, suggestion(name ?? text, PATTERN_NAMES));
  }
}
