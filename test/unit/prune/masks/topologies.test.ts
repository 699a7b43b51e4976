import { describe, expect, it } from "vitest";
import { proofInputs } from "../../../../pipeline/prune-model/proof-inputs.ts";
import { checkMask, type MaskPattern, maskWeights } from "../../../../src/prune/masks/index.ts";
import { runOnce } from "../../../../src/runtimes/index.ts";
import { toNumbers } from "../../../../src/tensor/index.ts";
import { TOPOLOGIES } from "../../../topologies/index.ts";

// Depthwise and grouped convolutions, channel shuffle, transposed convolution, windowed and grouped-query attention, integer inputs, recurrence.
const NAMES = ["mobilenet-v2", "resnext", "shufflenet-v2", "unet", "swin", "llama", "bert", "lstm-classifier"];
const TWO_OF_FOUR: MaskPattern = { kind: "n-of-m", n: 2, m: 4 };

describe("2:4 by SparseGPT over whole networks", () => {
  it.each(NAMES)("%s: the pattern holds, the graph runs, and only named reasons leave weights dense", async (name) => {
    const graph = TOPOLOGIES[name]!();
    const { feeds } = await proofInputs(graph, null, 1);
    const masked = await maskWeights(graph, TWO_OF_FOUR, {
      criterion: "sparsegpt",
      samples: () => [feeds],
      threads: 1,
    });
    const eligible = masked.layers.filter((layer) => layer.eligible);
    expect(eligible.length).toBeGreaterThan(1);
    expect(checkMask(masked.graph, TWO_OF_FOUR, new Set(eligible.map(({ node }) => node))).violations).toBe(0);
    for (const { reason } of masked.layers)
      expect(reason ?? "").toMatch(
        /^$|^1 input channel( a group)?: none has to go$|^weights of (LSTM|ConvTranspose) are not masked$/,
      );
    const outputs = await runOnce(masked.graph, feeds);
    for (const output of Object.values(outputs)) expect(toNumbers(output).every(Number.isFinite)).toBe(true);
  });
});
