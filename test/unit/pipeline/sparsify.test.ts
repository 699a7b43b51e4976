import { describe, expect, it } from "vitest";
import { type DeployConfig, resolveConfig } from "../../../pipeline/config.ts";
import { zeroRows, zeroUses } from "../../../pipeline/sparsify/zero-uses.ts";
import { sparsify, sparsityOf } from "../../../pipeline/stages/sparsify.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { editGraph } from "../../../src/ops/index.ts";
import { maskWeights } from "../../../src/prune/index.ts";
import { float32, seededRandom, toNumbers } from "../../../src/tensor/index.ts";
import type { TrainingData } from "../../../src/train/index.ts";
import { draw } from "../prune/draw.ts";

/** One layer large enough for sparse kernels, one that is too small, one of a single input channel. */
function graphOf(): Graph {
  const g = draw("deployed");
  const wide = g.conv(g.node("Relu", [g.conv(g.input("N", 1, 4, 4), "stem", 256)]), "wide", 256);
  return g.done(g.head(wide));
}

const SAMPLES = 40;
const random = seededRandom(1, "samples");
const pixels = Float32Array.from({ length: SAMPLES * 16 }, () => random.normal());
const data: TrainingData = {
  name: "noise",
  sampleShape: [1, 4, 4],
  length: SAMPLES,
  labels: Int32Array.from({ length: SAMPLES }, (_, i) => i % 3),
  batch: (indices) =>
    float32(
      [indices.length, 1, 4, 4],
      Array.from(indices).flatMap((i) => Array.from(pixels.subarray(16 * i, 16 * i + 16))),
    ),
};

const configOf = (sparsityCriterion?: string): Promise<DeployConfig> =>
  resolveConfig({ target: "ampere", ...(sparsityCriterion === undefined ? {} : { sparsityCriterion }) });

function weight(graph: Graph, name: string): Float64Array {
  return toNumbers([...graph.values.values()].find((value) => value.name === name)!.data!);
}

describe("2:4 of a deployment", () => {
  const graph = graphOf();

  it.each(["magnitude", "wanda", "sparsegpt"])(
    "by %s: in layers where sparse kernels win, and reported as such",
    async (criterion) => {
      const config = await configOf(criterion);
      const { graph: sparse, masks } = await sparsify(graph, config, data);
      expect([...masks.keys()]).toEqual(["wide.w"]);
      expect(sparsityOf(sparse, config)).toEqual([
        {
          node: "stem",
          eligible: false,
          reason: expect.stringContaining("no multiple of 4"),
          valid: false,
          zeros: 0,
          weights: 256,
        },
        { node: "wide", eligible: true, reason: null, valid: true, zeros: 32768, weights: 65536 },
        {
          node: "fc",
          eligible: false,
          reason: expect.stringContaining("do not win at 256 x 3"),
          valid: false,
          zeros: 0,
          weights: 768,
        },
      ]);
      const [before, after] = [weight(graph, "wide.w"), weight(sparse, "wide.w")];
      expect(after.some((w, i) => w !== 0 && w !== before[i])).toBe(criterion === "sparsegpt");
    },
  );

  it("finds one weight that is no longer zero in what was emitted", async () => {
    const config = await configOf();
    const { graph: sparse } = await sparsify(graph, config, data);
    const builder = editGraph(sparse);
    const value = [...sparse.values.values()].find(({ name }) => name === "wide.w")!;
    const numbers = toNumbers(value.data!);
    numbers[numbers.indexOf(0)] = 1e-7;
    builder.setConstant(value.id, float32(value.data!.shape, numbers));
    expect(sparsityOf(builder.build(), config).find(({ node }) => node === "wide")).toMatchObject({
      valid: false,
      zeros: 32767,
    });
  });

  it("masks nothing where sparse kernels win nowhere", async () => {
    const g = draw("small");
    const small = g.done(g.head(g.conv(g.input("N", 4, 4, 4), "conv", 16)));
    const { graph: same, masks } = await sparsify(small, await configOf("wanda"), data);
    expect([same, masks.size]).toEqual([small, 0]);
  });
});

describe("what zeros are good for", () => {
  it("is read from the weights: 1:4 implies 2:4, 4:8 does not", async () => {
    const graph = graphOf();
    const use = async (n: number, m: number) => {
      const masked = await maskWeights(graph, { kind: "n-of-m", n, m });
      const rows = await zeroRows(masked.graph, masked.layers);
      const ampere = (await zeroUses(masked.graph)).find(({ target }) => target === "ampere")!;
      return [ampere.faster, ampere.layers, rows.find(({ node }) => node === "wide")!.stored];
    };
    // Half of 65,536 numbers of two bytes, and two bits for each.
    const stored = { target: "ampere", dense: 131072, compressed: 73728 };
    expect(await use(2, 4)).toEqual([true, { hold: 2, win: 1 }, stored]);
    expect(await use(1, 4)).toEqual([true, { hold: 2, win: 1 }, stored]);
    expect(await use(4, 8)).toEqual([false, { hold: 0, win: 0 }, null]);
    const uses = await zeroUses(graph);
    expect(uses.map(({ target, faster }) => [target, faster])).toEqual([
      ["cpu", false],
      ["ampere", false],
      ["npu", false],
      ["mcu", false],
    ]);
    expect(uses.find(({ target }) => target === "npu")!.says).toContain("Vela");
  });
});
