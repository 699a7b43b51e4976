import { describe, expect, it } from "vitest";
import type { Graph } from "../../../../src/ir/index.ts";
import { editGraph } from "../../../../src/ops/index.ts";
import {
  checkMask,
  type MaskOptions,
  type MaskPattern,
  maskLayers,
  maskWeights,
} from "../../../../src/prune/masks/index.ts";
import { float32, fromNumbers, toNumbers } from "../../../../src/tensor/index.ts";
import { train } from "../../../../src/train/index.ts";
import { draw, feedsOf } from "../draw.ts";
import { samples as rows } from "../tiny.ts";
import { feedsOf as batches, correlated, linear, rowOf, weightOf } from "./layers.ts";

/** A stem, a grouped and a depthwise convolution, a 1 x 1 one, products with the weight on either side, and what is not masked. */
function mixed(): Graph {
  const g = draw("mixed");
  const stem = g.conv(g.input("N", 3, 6, 6), "stem", 16, { kernel: 3 });
  const grouped = g.conv(g.node("Relu", [stem]), "grouped", 16, { kernel: 3, group: 2 });
  const depthwise = g.conv(grouped, "depthwise", 16, { kernel: 3, group: 16 });
  const point = g.conv(depthwise, "point", 12);
  const up = g.node("ConvTranspose", [point, g.weight("up.w", 12, 4, 2, 2)], { strides: [2, 2] }, "up");
  const pooled = g.node("Flatten", [g.node("GlobalAveragePool", [up])]);
  const fc = g.node("MatMul", [pooled, g.weight("fc.w", 4, 10)], {}, "fc");
  const turned = g.node("Transpose", [fc], { perm: [1, 0] });
  const left = g.node("MatMul", [g.weight("left.w", 6, 10), turned], {}, "left");
  return g.done(g.node("Transpose", [left], { perm: [1, 0] }));
}

const graph = mixed();
const samples = () => [feedsOf(graph)];
const mask = (pattern: MaskPattern, options: MaskOptions = {}) =>
  maskWeights(graph, pattern, { samples, threads: 1, ...options });
const PATTERNS: MaskPattern[] = [
  { kind: "unstructured", sparsity: 0.5, scope: "layer" },
  { kind: "n-of-m", n: 1, m: 4 },
  { kind: "n-of-m", n: 2, m: 8 },
  { kind: "kernel", sparsity: 0.5 },
  { kind: "stripe", sparsity: 0.5 },
  { kind: "pattern", sparsity: 5 / 9, library: 4 },
  { kind: "block", rows: 2, columns: 4, sparsity: 0.5 },
];
const everywhere = PATTERNS.flatMap((pattern) =>
  (["magnitude", "wanda", "sparsegpt"] as const).map((criterion) => ({ pattern, criterion })),
);

describe("masks", () => {
  it.each(everywhere)(
    "$criterion $pattern: zeros as asked, the pattern held, the same each time",
    async ({ pattern, criterion }) => {
      const { graph: sparse, masks, layers } = await mask(pattern, { criterion });
      const nodes = new Set(layers.filter(({ eligible }) => eligible).map(({ node }) => node));
      expect(nodes.size).toBeGreaterThan(2);
      const checked = checkMask(sparse, pattern, nodes);
      expect(checked.violations).toBe(0);
      expect(checked.layers.map(({ node, zeros, weights }) => [node, zeros, weights])).toEqual(
        layers.filter(({ eligible }) => eligible).map(({ node, zeros, weights }) => [node, zeros, weights]),
      );
      for (const { node, weight, eligible, reason, zeros, weights } of layers) {
        expect([node, eligible, masks.has(weight)]).toEqual([node, reason === null, reason === null]);
        if (eligible && "sparsity" in pattern) expect(zeros / weights).toBeGreaterThanOrEqual(pattern.sparsity - 1e-9);
        const now = weightOf(sparse, weight);
        masks.get(weight)?.data.forEach((keeps, i) => {
          if (keeps === 0) expect(now[i]).toBe(0);
        });
        if (criterion !== "sparsegpt" || !eligible) {
          const before = weightOf(graph, weight);
          now.forEach((w, i) => {
            if (w !== 0) expect(w).toBe(before[i]);
          });
        }
      }
      const again = await mask(pattern, { criterion });
      for (const weight of masks.keys()) expect(weightOf(again.graph, weight)).toEqual(weightOf(sparse, weight));
    },
  );

  it("say why a weight was left alone", async () => {
    const reasons = async (pattern: MaskPattern, options: MaskOptions = {}) =>
      Object.fromEntries((await mask(pattern, options)).layers.map(({ node, reason }) => [node, reason]));
    expect(await reasons({ kind: "n-of-m", n: 2, m: 4 }, { thresholds: { outputs: 7 } })).toEqual({
      stem: null,
      grouped: null,
      depthwise: "1 input channel a group: none has to go",
      point: null,
      up: "weights of ConvTranspose are not masked",
      fc: null,
      left: "6 outputs, at least 7 are asked",
    });
    expect(
      await reasons(
        { kind: "stripe", sparsity: 0.3 },
        { exclude: ({ node }) => (node.name === "stem" ? "the first layer" : null) },
      ),
    ).toMatchObject({
      stem: "the first layer",
      depthwise: null,
      point: "its kernel is 1 x 1",
      left: "a matrix product has no kernel",
    });
    expect(await reasons({ kind: "block", rows: 4, columns: 8, sparsity: 0.3 })).toMatchObject({
      stem: "16 outputs x 3 input channels are less than a block",
      grouped: null,
      depthwise: "1 outputs x 1 input channels a group are less than a block",
    });
    expect(await reasons({ kind: "n-of-m", n: 2, m: 4 }, { criterion: "sparsegpt", memory: 100_000 })).toMatchObject({
      grouped: expect.stringMatching(/measuring its inputs takes \d+ MiB, 1 MiB are allowed/),
      fc: null,
    });
  });

  it("are chosen within an output by Wanda, over the layer by magnitude", async () => {
    const inputs = 8;
    const one = linear(3, inputs);
    const x = correlated(40, inputs);
    const half: MaskPattern = { kind: "unstructured", sparsity: 0.5, scope: "layer" };
    const wanda = await maskWeights(one, half, { criterion: "wanda", samples: batches(x, [inputs], 16), threads: 1 });
    const norms = Array.from({ length: inputs }, (_, j) =>
      Math.hypot(...Array.from(x).filter((_, i) => i % inputs === j)),
    );
    const before = weightOf(one, "fc.w");
    const after = weightOf(wanda.graph, "fc.w");
    for (let row = 0; row < 3; row++) {
      const score = (j: number) => Math.abs(before[row * inputs + j]!) * norms[j]!;
      const best = norms
        .map((_, j) => j)
        .sort((a, b) => score(b) - score(a))
        .slice(0, 4)
        .sort((a, b) => a - b);
      expect(norms.map((_, j) => j).filter((j) => after[row * inputs + j] !== 0)).toEqual(best);
    }
    const magnitude = await maskWeights(one, half);
    const limit = Array.from(before, Math.abs).sort((a, b) => a - b)[12]!;
    weightOf(magnitude.graph, "fc.w").forEach((w, i) => {
      expect(w !== 0).toBe(Math.abs(before[i]!) >= limit);
    });
  });

  it("hold a global share over all layers together, not in each", async () => {
    const pattern: MaskPattern = { kind: "unstructured", sparsity: 0.6, scope: "global" };
    const { graph: sparse, layers } = await mask(pattern);
    const eligible = layers.filter((layer) => layer.eligible);
    const [zeros, weights] = [
      eligible.reduce((sum, l) => sum + l.zeros, 0),
      eligible.reduce((sum, l) => sum + l.weights, 0),
    ];
    expect(zeros).toBe(Math.ceil(0.6 * weights));
    expect(new Set(eligible.map((l) => Math.round((20 * l.zeros) / l.weights))).size).toBeGreaterThan(1);
    expect(checkMask(sparse, pattern).violations).toBe(0);
  });

  it("lose uneven shares row by row to the weight, by Wanda", async () => {
    const { layers } = await maskWeights(
      linear(3, 7),
      { kind: "unstructured", sparsity: 0.4, scope: "layer" },
      {
        criterion: "wanda",
        samples: batches(correlated(20, 7), [7], 20),
        threads: 1,
      },
    );
    expect(layers[0]!.zeros).toBe(9); // 8.4 of 21
  });

  it("choose libraries of kernel patterns with the centre in each", async () => {
    const { masks } = await mask({ kind: "pattern", sparsity: 5 / 9, library: 3 });
    const sets = new Set<string>();
    for (const mask of masks.values()) {
      for (let at = 0; at < mask.data.length; at += 9) {
        const own = Array.from(mask.data.subarray(at, at + 9));
        expect([own.filter((keeps) => keeps === 1).length, own[4]]).toEqual([4, 1]);
        sets.add(own.join(""));
      }
    }
    expect(sets.size).toBe(3);
  });

  it("keep their zeros in training", async () => {
    const inputs = 8;
    const x = correlated(64, inputs);
    const data = rows(
      Array.from({ length: 64 }, (_, i) => Array.from(x.subarray(i * inputs, (i + 1) * inputs))),
      Array.from({ length: 64 }, (_, i) => i % 3),
      [inputs],
    );
    const pattern: MaskPattern = { kind: "n-of-m", n: 2, m: 4 };
    const masked = await maskWeights(linear(3, inputs), pattern);
    const tuned = await train(masked.graph, data, { steps: 8, batch: 16, masks: masked.masks, threads: 1 });
    expect(checkMask(tuned.graph, pattern)).toMatchObject({ violations: 0, layers: [{ zeros: 12 }] });
    expect(weightOf(tuned.graph, "fc.w")).not.toEqual(weightOf(masked.graph, "fc.w"));
    const loose = await train(masked.graph, data, { steps: 8, batch: 16, threads: 1 });
    expect(checkMask(loose.graph, pattern).violations).toBeGreaterThan(0);
  });

  it("are written in the weight's own type", async () => {
    const builder = editGraph(linear(2, 8));
    const value = maskLayers(linear(2, 8))[0]!.value;
    const half = fromNumbers("float16", [2, 8], toNumbers(builder.value(value).data!));
    builder.setConstant(value, half);
    const { graph: sparse, layers } = await maskWeights(builder.build(), { kind: "n-of-m", n: 2, m: 4 });
    expect(sparse.values.get(value)!.data!.dtype).toBe("float16");
    expect(layers[0]!.zeros).toBe(8);
  });
});

describe("a mask that cannot be", () => {
  it.each<[string, MaskPattern, MaskOptions, string]>([
    ["sparsity 1", { kind: "kernel", sparsity: 1 }, {}, "Sparsity must lie between 0 and 1"],
    ["sparsity 0", { kind: "unstructured", sparsity: 0, scope: "layer" }, {}, "Sparsity must lie between 0 and 1"],
    ["4:4", { kind: "n-of-m", n: 4, m: 4 }, {}, "n of an n:4 pattern must be a whole number from 1 to 3"],
    ["0 patterns", { kind: "pattern", sparsity: 0.5, library: 0 }, {}, "The number of kernel patterns"],
    ["blocks of no rows", { kind: "block", rows: 0, columns: 4, sparsity: 0.5 }, {}, "Rows of a block"],
    [
      "a global share by Wanda",
      { kind: "unstructured", sparsity: 0.5, scope: "global" },
      { criterion: "wanda" },
      "compares weights of one layer",
    ],
    [
      "nothing of a small layer",
      { kind: "unstructured", sparsity: 0.99, scope: "layer" },
      {},
      "all 40 weights of a layer would be zero",
    ],
    [
      "nothing of it by SparseGPT",
      { kind: "unstructured", sparsity: 0.99, scope: "layer" },
      { criterion: "sparsegpt" },
      "all 40 weights of a layer would be zero",
    ],
    ["no kernel position", { kind: "kernel", sparsity: 0.95 }, {}, "all 9 of its units would be zero"],
    ["no stripe of a filter", { kind: "stripe", sparsity: 0.95 }, {}, "keeps one of its 9 stripes"],
    ["no layer", { kind: "block", rows: 64, columns: 64, sparsity: 0.5 }, {}, "No layer can hold blocks of 64 x 64"],
    ["no pattern entries", { kind: "pattern", sparsity: 0.95, library: 4 }, {}, "No layer can hold 4 kernel patterns"],
    ["nothing of a layer", { kind: "unstructured", sparsity: 0.9999, scope: "global" }, {}, "none of its"],
  ])("%s", async (_, pattern, options, fact) => {
    await expect(mask(pattern, options)).rejects.toThrowError(fact);
  });

  it("needs samples for what looks at inputs", async () => {
    await expect(maskWeights(graph, { kind: "n-of-m", n: 2, m: 4 }, { criterion: "wanda" })).rejects.toThrowError(
      "needs samples",
    );
    await expect(mask({ kind: "n-of-m", n: 2, m: 4 }, { criterion: "wanda", samples: () => [] })).rejects.toThrowError(
      "No samples",
    );
  });

  it("says that weights are quantised", async () => {
    const g = draw("quantised");
    const codes = g.builder.constant("w", fromNumbers("int8", [4, 4], new Array(16).fill(3)));
    const w = g.node("DequantizeLinear", [codes, g.builder.constant("scale", float32([], [0.1]))]);
    const quantised = g.done(g.node("Gemm", [g.input("N", 4), w]));
    await expect(maskWeights(quantised, { kind: "n-of-m", n: 2, m: 4 })).rejects.toThrowError("are quantised");
  });

  it("leaves out what something else reads too", () => {
    const g = draw("tied");
    const table = g.weight("table", 5, 4);
    const x = g.input("N", 4);
    const ids = g.ints(0, 1);
    const y = g.node("Gemm", [x, table], { transB: 1 }, "logits");
    const own = maskLayers(g.done(y, g.node("Gather", [table, ids], {}, "embed")));
    expect(own.map(({ reason }) => reason)).toEqual(['it is read by Gather "embed" too']);
  });

  it("leaves out what is read along different axes", () => {
    const g = draw("square");
    const w = g.weight("w", 4, 4);
    const y = g.node("MatMul", [g.input("N", 4), w], {}, "a");
    expect(maskLayers(g.done(g.node("Gemm", [y, w], { transB: 1 }, "b"))).map(({ reason }) => reason)).toEqual([
      '"b" reads it along other axes',
    ]);
  });
});

describe("checkMask", () => {
  const corrupt = (sparse: Graph, name: string, at: number): Graph => {
    const builder = editGraph(sparse);
    const value = [...sparse.values.values()].find((other) => other.name === name)!;
    const numbers = toNumbers(value.data!);
    numbers[at] = 1e-6;
    builder.setConstant(value.id, float32(value.data!.shape, numbers));
    return builder.build();
  };

  it.each(PATTERNS)("sees a single weight that is no longer zero: %j", async (pattern) => {
    const { graph: sparse, masks, layers } = await mask(pattern);
    const nodes = new Set(layers.filter(({ eligible }) => eligible).map(({ node }) => node));
    for (const [name, { data }] of masks) {
      const last = data.lastIndexOf(0);
      const first = data.indexOf(0);
      for (const at of new Set([first, last])) {
        const checked = checkMask(corrupt(sparse, name, at), pattern, nodes);
        expect([name, at, checked.violations]).toEqual([name, at, 1]);
        expect(checked.layers.find(({ weight }) => weight === name)!.violations).toBe(1);
      }
    }
  });

  it("counts what a dense model is short of", () => {
    expect(checkMask(graph, { kind: "unstructured", sparsity: 0.5, scope: "global" }).violations).toBeGreaterThan(1000);
    expect(checkMask(graph, { kind: "n-of-m", n: 1, m: 2 }, new Set(["left"]))).toEqual({
      violations: 30,
      layers: [{ node: "left", weight: "left.w", weights: 60, zeros: 0, violations: 30 }],
    });
  });
});

it("rows name the operator", async () => {
  expect(rowOf(await mask({ kind: "n-of-m", n: 2, m: 4 }), "left")).toMatchObject({
    op: "MatMul",
    weight: "left.w",
    weights: 60,
  });
});
