import { describe, expect, it } from "vitest";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import {
  CRITERIA,
  type CriterionName,
  findGroups,
  gatherEvidence,
  observeUnits,
  scoreGroups,
} from "../../../src/prune/index.ts";
import { float32, int64s, seededRandom } from "../../../src/tensor/index.ts";
import type { TrainingData } from "../../../src/train/index.ts";
import { draw, groupNamed } from "./draw.ts";
import { samples } from "./tiny.ts";

const NAMES = Object.keys(CRITERIA) as CriterionName[];

function randomData(count: number, classes: number, shape: readonly number[]): TrainingData {
  const random = seededRandom(9, "data");
  const size = shape.reduce((a, b) => a * b, 1);
  const rows = Array.from({ length: count }, () => Array.from({ length: size }, () => random.normal()));
  return samples(
    rows,
    rows.map((_, i) => i % classes),
    shape,
  );
}

/** A residual, a grouped and a depthwise convolution, a concat, an SE gate and a flatten. */
function mixed(): Graph {
  const g = draw("mixed");
  const relu = (x: number) => g.node("Relu", [x]);
  const stem = relu(g.norm(g.conv(g.input("N", 3, 4, 4), "stem", 8, { kernel: 3 }), "bn"));
  const blocks = g.conv(stem, "blocks", 8, { kernel: 3, group: 2 });
  const depthwise = g.conv(stem, "depthwise", 8, { kernel: 3, group: 8 });
  const gate = g.node("Sigmoid", [g.conv(g.node("GlobalAveragePool", [depthwise]), "gate", 8)]);
  const sum = g.node("Add", [stem, g.node("Mul", [blocks, gate])]);
  const both = g.node("Concat", [relu(sum), relu(g.conv(depthwise, "side", 4))], { axis: 1 });
  const flat = g.node("Flatten", [g.conv(both, "last", 3)]);
  return g.done(g.node("Gemm", [flat, g.weight("fc.w", 5, 48), g.weight("fc.b", 5)], { transB: 1 }, "fc"));
}

const [TOKENS, WIDTH, HEADS, SIZE] = [4, 6, 3, 2];

/** One attention layer whose first head attends to one token, whose second is uniform, and whose third lies between; then a pooled classifier. */
function attention(): Graph {
  const g = newBuilder("attention");
  const random = seededRandom(7, "attention");
  const weight = (name: string, rows: number, columns: number, scale = (_: number) => 1) =>
    g.constant(
      name,
      float32(
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => scale(i % columns) * random.normal()),
      ),
    );
  const sharpness = (column: number) => [30, 0, 0.5][Math.floor(column / SIZE)]!;
  const input = g.input("x", { dtype: "float32", shape: ["N", TOKENS, 4] });
  const x = g.node("MatMul", [input, weight("embed.w", 4, WIDTH)], {}, { name: "embed" });
  const heads = (name: string, scale?: (column: number) => number) => {
    const made = g.node("MatMul", [x, weight(name, WIDTH, HEADS * SIZE, scale)], {}, { name });
    const split = g.node("Reshape", [made, g.constant("to", int64s([0, 0, HEADS, SIZE]))], {}, { name: "split" });
    return g.node("Transpose", [split], { perm: [0, 2, 1, 3] }, { name: "order" });
  };
  const keys = g.node("Transpose", [heads("k.w")], { perm: [0, 1, 3, 2] }, { name: "turn" });
  const scores = g.node("MatMul", [heads("q.w", sharpness), keys], {}, { name: "scores" });
  const mixed = g.node("MatMul", [g.node("Softmax", [scores], {}, { name: "p" }), heads("v.w")], {}, { name: "mix" });
  const back = g.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }, { name: "back" });
  const merged = g.node("Reshape", [back, g.constant("to", int64s([0, 0, HEADS * SIZE]))], {}, { name: "merge" });
  const out = g.node("Add", [x, g.node("MatMul", [merged, weight("o.w", HEADS * SIZE, WIDTH)], {}, { name: "o" })]);
  const pooled = g.node("ReduceMean", [out, g.constant("axes", int64s([1]))], { keepdims: 0 }, { name: "pool" });
  g.output(g.node("MatMul", [pooled, weight("head.w", WIDTH, 2)], {}, { name: "head" }));
  return g.build();
}

describe("criteria on coupled graphs", () => {
  const graphs = {
    mixed: { graph: mixed(), data: randomData(12, 5, [3, 4, 4]) },
    attention: { graph: attention(), data: randomData(12, 2, [TOKENS, 4]) },
  };
  const cases = NAMES.flatMap((name) =>
    (["mixed", "attention"] as const)
      // There is nothing there that they could see.
      .filter((kind) => !(kind === "mixed" ? name === "attention-entropy" : name === "bn-scale"))
      .map((kind) => [name, kind] as const),
  );

  it.each(cases)("%s scores every unit of every group of %s, twice alike", async (name, kind) => {
    const { graph, data } = graphs[kind];
    const groups = findGroups(graph);
    const once = async () => {
      const evidence = await gatherEvidence(graph, groups, name, data, { threads: 1 });
      return scoreGroups(graph, groups, name, { ...evidence, otherwise: "l1" });
    };
    const [first, second] = [await once(), await once()];
    expect(second).toEqual(first);
    for (const group of groups.groups) {
      const scores = Array.from(first.get(group.id)!);
      expect(scores).toHaveLength(group.size);
      expect(scores.every(Number.isFinite), `${group.name}: ${scores.join(", ")}`).toBe(true);
    }
  });

  it("only batch norms and heads are seen by the criteria that look at nothing else", async () => {
    const { graph, data } = graphs.mixed;
    const groups = findGroups(graph);
    const bn = scoreGroups(graph, groups, "bn-scale", { otherwise: "l1" });
    const l1 = scoreGroups(graph, groups, "l1");
    const differing = groups.groups.filter(({ id }) => bn.get(id)!.join() !== l1.get(id)!.join());
    expect(differing.map(({ name }) => name)).toEqual(["stem.w", "stem.w rows"]);
    expect([...(await observeUnits(graph, groups, CRITERIA["attention-entropy"], []))]).toEqual([]);
    expect((await gatherEvidence(graph, groups, "l1", data)).observed).toBeUndefined();
  });

  it("attention-entropy ranks a uniform head last and a sharp one first", async () => {
    const { graph, data } = graphs.attention;
    const groups = findGroups(graph);
    const rows = groups.groups.find(({ kind }) => kind === "rows")!;
    const evidence = await gatherEvidence(graph, groups, "attention-entropy", data, { threads: 1 });
    const scores = scoreGroups(graph, groups, "attention-entropy", {
      ...evidence,
      otherwise: "l1",
      normalisation: "none",
    }).get(rows.id)!;
    expect(scores).toHaveLength(HEADS);
    expect(scores[1]).toBeCloseTo(0, 5);
    expect(scores[0]).toBeGreaterThan(scores[2]!);
    expect(scores[2]).toBeGreaterThan(scores[1]!);
    expect(scores[0]).toBeLessThanOrEqual(Math.log(TOKENS));
  });

  it("ranks of heads are those of tokens x head size", async () => {
    const { graph, data } = graphs.attention;
    const groups = findGroups(graph);
    const rows = groups.groups.find(({ kind }) => kind === "rows")!;
    const evidence = await gatherEvidence(graph, groups, "hrank", data, { threads: 1 });
    const sites = evidence.observed!.get("hrank")!.get(rows.id)!;
    expect(sites.length).toBeGreaterThan(0);
    for (const ranks of sites) for (const rank of ranks) expect(rank).toBeLessThanOrEqual(TOKENS);
    expect(Math.max(...sites.flatMap((ranks) => [...ranks]))).toBe(SIZE);
  });

  it("looks at a unit of a flattened map over the whole map", async () => {
    const { graph, data } = graphs.mixed;
    const groups = findGroups(graph);
    const last = groupNamed(groups, "last.w");
    const lengths: number[] = [];
    await observeUnits(
      graph,
      { ...groups, groups: [last] },
      {
        ...CRITERIA["activation-mean"],
        start: (_, site) => ({
          add: ({ units, samples }) => lengths.push(...units.map((values) => values.length / samples)),
          scores: () => new Float64Array(site.units),
        }),
      },
      [{ feeds: { x: data.batch([0, 1]) }, labels: Int32Array.of(0, 1) }],
    );
    expect(lengths).toEqual([16, 16, 16]);
  });

  it("needs a batch", async () => {
    const { graph } = graphs.mixed;
    const groups = findGroups(graph);
    await expect(observeUnits(graph, groups, CRITERIA.apoz, [])).rejects.toMatchObject({ code: "input" });
  });
});
