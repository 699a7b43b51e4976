import type { MaskLayer } from "./mask-layers.ts";
import { entriesKept, type MaskPattern } from "./mask-pattern.ts";
import type { MaskThresholds } from "./maskable-weights.ts";
import type { WeightMatrix } from "./weight-matrix.ts";

function tooSmall({ channels, columns, rows }: WeightMatrix, least: MaskThresholds): string | null {
  const sizes: readonly (readonly [string, number, number | undefined])[] = [
    ["input channels", channels, least.channels],
    ["outputs", rows, least.outputs],
    ["weights an output", columns, least.depth],
  ];
  const found = sizes.find(([, size, bound]) => size < (bound ?? 1));
  if (found !== undefined) return `${found[1]} ${found[0]}, at least ${found[2]} are asked`;
  const { m } = least;
  return m !== undefined && channels % m !== 0 ? `${channels} input channels are no multiple of ${m}` : null;
}

function windowText(kernel: readonly number[]): string {
  return kernel.length === 0 ? "a matrix product has no kernel" : `its kernel is ${kernel.join(" x ")}`;
}

/** Why a layer cannot hold a pattern (or is not to, by the thresholds); null if it can. */
export function reasonAgainst(layer: MaskLayer, pattern: MaskPattern, thresholds: MaskThresholds = {}): string | null {
  const { matrix } = layer;
  if (matrix === null) return layer.reason;
  const { channels, groups, kernel, positions, rows } = matrix;
  const each = groups > 1 ? " a group" : "";
  const small = tooSmall(matrix, thresholds);
  if (small !== null) return small;
  switch (pattern.kind) {
    case "unstructured":
      return null;
    case "n-of-m":
      return channels <= pattern.n
        ? `${channels} input channel${channels === 1 ? "" : "s"}${each}: none has to go`
        : null;
    case "kernel":
    case "stripe":
    case "pattern":
      if (positions === 1) return windowText(kernel);
      return pattern.kind === "pattern" && entriesKept(pattern.sparsity, positions) < 1
        ? `of ${positions} kernel positions none would stay`
        : null;
    case "block":
      return rows / groups < pattern.rows || channels < pattern.columns
        ? `${rows / groups} outputs x ${channels} input channels${each} are less than a block`
        : null;
  }
}
