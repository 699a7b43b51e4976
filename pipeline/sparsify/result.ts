import type { MaskCriterion, MaskPattern } from "../../src/prune/index.ts";
import { percentText } from "../training/result.ts";
import type { ZeroRow, ZeroUse } from "./zero-uses.ts";

/** What `espalier sparsify --json` prints: fields are only ever added while `schema` stays the same. */
export interface Sparsified {
  readonly schema: 1;
  readonly model: string;
  /** Of the file that was read. */
  readonly sha256: string;
  readonly out: { readonly file: string; readonly sha256: string; readonly bytes: number; readonly engine: string };
  /** The pattern in words, and as it was asked for with all defaults filled in. */
  readonly pattern: string;
  readonly asked: MaskPattern;
  readonly criterion: MaskCriterion;
  readonly data: { readonly name: string; readonly lookedAt: number; readonly test: number } | null;
  readonly layers: readonly ZeroRow[];
  /** Over all layers, and over those that were masked. */
  readonly weights: number;
  readonly zeros: number;
  readonly masked: { readonly layers: number; readonly weights: number; readonly zeros: number };
  /** The sparse graph against the original, the same inputs in ONNX Runtime; largest over all elements of each output. */
  readonly differences: readonly { readonly name: string; readonly absolute: number; readonly relative: number }[];
  readonly compared: { readonly inputs: "random" | "data"; readonly samples: number };
  /** On the test split. */
  readonly accuracy: { readonly before: number; readonly after: number } | null;
  readonly uses: readonly ZeroUse[];
}

function rowLines(layers: readonly ZeroRow[]): string[] {
  const cells = layers.map(({ node, op, weights, zeros, share, reason }) => [
    node,
    op,
    String(weights),
    String(zeros),
    percentText(share),
    reason === null ? "" : `dense: ${reason}`,
  ]);
  const table = [["layer", "operator", "weights", "zeros", "share", ""], ...cells];
  const widths = table[0]!.map((_, k) => Math.max(...table.map((row) => row[k]!.length)));
  return table.map((row) =>
    row
      .map((cell, k) => (k < 2 || k === 5 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)))
      .join("  ")
      .trimEnd(),
  );
}

function useLines(uses: readonly ZeroUse[]): string[] {
  const same = new Map<string, string[]>();
  for (const { target, profile, says } of uses) same.set(says, [...(same.get(says) ?? []), `${target} (${profile})`]);
  return [...same].map(([says, targets]) => `  ${targets.join(", ")}: ${says}`);
}

function storedLine(layers: readonly ZeroRow[]): string {
  const stored = layers.flatMap(({ stored: own }) => (own === null ? [] : [own]));
  if (stored.length === 0) return "  Stored smaller: nowhere, no target uses these zeros.";
  const sum = (of: (own: (typeof stored)[number]) => number) => stored.reduce((total, own) => total + of(own), 0);
  return `  Stored smaller: on ${stored[0]!.target} ${sum((own) => own.compressed)} bytes for the weights of ${stored.length} layer${stored.length === 1 ? "" : "s"} instead of ${sum((own) => own.dense)}; the file itself is dense.`;
}

/** What came of a request, as text for people. */
export function renderSparsified(result: Sparsified): string {
  const {
    model,
    pattern,
    criterion,
    data,
    layers,
    weights,
    zeros,
    masked,
    differences,
    compared,
    accuracy,
    uses,
    out,
  } = result;
  const looked =
    data === null || criterion === "magnitude" ? "" : `, ${data.lookedAt} samples of ${data.name} looked at`;
  const worst = [...differences].sort((a, b) => b.relative - a.relative)[0];
  const inputs = `${compared.samples} ${compared.inputs === "data" ? "test sample" : "random input"}${compared.samples === 1 ? "" : "s"}`;
  return [
    `${model}: ${pattern}, by ${criterion}${looked}`,
    "",
    ...rowLines(layers),
    "",
    `Zeros: ${zeros} of ${weights} weights (${percentText(zeros / weights)}); ${masked.zeros} of ${masked.weights} in the ${masked.layers} of ${layers.length} layers that can hold the pattern.`,
    ...(worst === undefined
      ? []
      : [
          `Largest difference from the original on ${inputs}: ${worst.absolute.toExponential(1)} absolute, ${worst.relative.toExponential(1)} relative (${worst.name}).`,
        ]),
    ...(accuracy === null || data === null
      ? []
      : [
          `Accuracy on ${data.test} test samples: ${percentText(accuracy.before)} before, ${percentText(accuracy.after)} after.`,
        ]),
    "What gains by the zeros:",
    ...useLines(uses),
    storedLine(layers),
    `Written: ${out.file} (${out.bytes} bytes), run in ${out.engine}`,
    "",
  ].join("\n");
}
