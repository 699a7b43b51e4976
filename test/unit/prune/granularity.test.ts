import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import {
  chooseCut,
  cutGraph,
  cutShapes,
  cutToCounts,
  findGroups,
  type Granularity,
  granularityOf,
  keepCounts,
  type PruneGroups,
  proveCut,
  selectUnits,
} from "../../../src/prune/index.ts";
import { fromNumbers, seededRandom, type Tensor } from "../../../src/tensor/index.ts";
import { TOPOLOGIES } from "../../topologies/index.ts";
import { draw, feedsOf, groupNamed, run, weightShape } from "./draw.ts";

/** Seeded scores of every unit. */
function drawn(groups: PruneGroups): Map<number, Float64Array> {
  const random = seededRandom(5, "scores");
  return new Map(groups.groups.map((group) => [group.id, Float64Array.from(group.units, () => random.next())]));
}

function tokensOrImages(graph: Graph): Record<string, Tensor> {
  const [id] = graph.inputs;
  const { name, type } = graph.values.get(id!)!;
  if (type.dtype === "float32") return feedsOf(graph);
  const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 2));
  const random = seededRandom(3, "tokens");
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    [name]: fromNumbers(
      type.dtype,
      shape,
      Array.from({ length: size }, () => random.below(16)),
    ),
  };
}

/** What the groups of a topology are, with their sizes. */
function kinds(name: string): Record<string, number[]> {
  const graph = TOPOLOGIES[name]!();
  const groups = findGroups(graph);
  const found: Record<string, number[]> = {};
  for (const group of groups.groups) {
    const kind = granularityOf(graph, groups, group);
    found[kind] = [...(found[kind] ?? []), group.size];
  }
  return found;
}

function failure(act: () => unknown): EspalierError {
  try {
    act();
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("granularityOf", () => {
  it("says what the units of a group are", () => {
    expect(kinds("vit")).toEqual({ "head size": [48, 48], "MLP hidden units": [96, 96], heads: [3, 3] });
    expect(kinds("bert")).toEqual({
      "head size": [24, 24, 24, 24],
      "MLP hidden units": [96, 96, 10],
      heads: [3, 3],
    });
    expect(kinds("llama-rotary-per-head").heads).toEqual([2, 2]);
    expect(kinds("swin").heads).toEqual([2, 2, 4]);
    expect(kinds("resnext")["groups of a convolution"]).toEqual([3, 3, 4, 4]);
    expect(Object.keys(kinds("resnet"))).toEqual(["channels"]);
    expect(kinds("lstm-classifier")).toEqual({ "MLP hidden units": [8], "recurrent hidden units": [20, 12] });
    expect(Object.keys(kinds("autoencoder"))).toEqual(["MLP hidden units"]);
  });

  it("tells an embedding that nothing but its readers ties", () => {
    const g = draw("lookup");
    const tokens = g.builder.input("tokens", { dtype: "int64", shape: ["N", 4] });
    const words = g.node("Gather", [g.weight("words", 9, 6), tokens], { axis: 0 });
    const graph = g.done(g.node("MatMul", [words, g.weight("head.w", 6, 2)]));
    const groups = findGroups(graph);
    expect(groups.groups.map((group) => granularityOf(graph, groups, group))).toEqual(["embedding features"]);
  });
});

describe("rows", () => {
  it("are cut whole: of grouped queries a key head goes with the query heads that it serves", async () => {
    const graph = TOPOLOGIES["llama-rotary-per-head"]!();
    const groups = findGroups(graph);
    const cut = chooseCut(groups, drawn(groups), { keep: 0.5, scope: "local", granularity: "rows" });
    const small = cutGraph(graph, groups, cut);
    // Four query heads of six, two key heads: of each half is left.
    expect(["linear8.w", "linear20.w", "linear35.w"].map((name) => weightShape(small, name)[1])).toEqual([12, 6, 6]);
    const proof = await proveCut(graph, groups, cut, { run, inputs: tokensOrImages(graph) });
    expect(proof.maxAbs).toBeLessThan(1e-5);
    expect(proof.effect).toBeGreaterThan(1e-2);
  });

  it("hold to an alignment of what their weights make", () => {
    const groups = findGroups(TOPOLOGIES["llama-rotary-per-head"]!());
    const rows = groups.groups.find((group) => group.kind === "rows")!;
    // A query part of 12 and a key part of 6 positions a row.
    expect(keepCounts(rows, 6)).toEqual([1, 2]);
    expect(keepCounts(rows, 12)).toEqual([2]);
  });

  it("are groups of a convolution with the group count that follows", async () => {
    const graph = TOPOLOGIES.resnext!();
    const groups = findGroups(graph);
    const cut = chooseCut(groups, drawn(groups), { keep: 0.5, scope: "global", granularity: "rows" });
    const small = cutGraph(graph, groups, cut);
    const left = (from: Graph) =>
      from.nodes.flatMap(({ attrs }) => (Number(attrs.group ?? 1) > 1 ? [Number(attrs.group)] : []));
    expect(left(graph).reduce((a, b) => a + b)).toBe(14);
    expect(small.nodes.filter(({ op }) => op === "Conv").length).toBe(
      graph.nodes.filter(({ op }) => op === "Conv").length,
    );
    expect(cut.size).toBe(7);
    const proof = await proveCut(graph, groups, cut, { run, inputs: feedsOf(graph) });
    expect(proof.maxAbs).toBeLessThan(1e-5);
  });

  it("are an error where the graph has none", () => {
    const groups = findGroups(TOPOLOGIES.vgg!());
    const error = failure(() => chooseCut(groups, drawn(groups), { keep: 0.5, scope: "local", granularity: "rows" }));
    expect([error.code, error.message]).toEqual([
      "budget",
      "Asked to keep 50 % of all units, the graph has no heads or groups of convolutions to cut",
    ]);
  });

  it("are the outer ones where they lie in one another", async () => {
    const g = draw("nested");
    const wide = g.conv(g.conv(g.input("N", 3, 4, 4), "a", 8), "b", 8, { group: 2 });
    const graph = g.done(g.head(g.conv(g.conv(wide, "c", 8, { group: 4 }), "d", 6)));
    const groups = findGroups(graph);
    expect(groups.groups.filter(({ kind }) => kind === "rows").map(({ size }) => size)).toEqual([2, 4]);
    const rows = chooseCut(groups, drawn(groups), { keep: 0.5, scope: "global", granularity: "rows" });
    expect(cutGraph(graph, groups, rows).nodes.map(({ attrs }) => Number(attrs.group ?? 1))).toEqual(
      graph.nodes.map(({ attrs }) => (Number(attrs.group ?? 1) > 1 ? Number(attrs.group) / 2 : 1)),
    );
    const both = chooseCut(groups, drawn(groups), { keep: 0.3, scope: "local", granularity: "both" });
    expect((await proveCut(graph, groups, both, { run, inputs: feedsOf(graph) })).pass).toBe(true);
  });

  it("may not be mixed with channels without saying so", () => {
    const groups = findGroups(TOPOLOGIES.vit!());
    const error = failure(() => chooseCut(groups.groups, drawn(groups), { keep: 0.5, scope: "global" }));
    expect(error.message).toContain("overlap");
  });
});

describe("rows and channels together", () => {
  for (const name of ["vit", "swin", "bert", "llama-rotary-per-head", "resnext", "regnet", "mobile-vit"])
    it(`${name}: loses the share asked for and computes the same masked and cut`, async () => {
      const graph = TOPOLOGIES[name]!();
      const groups = findGroups(graph);
      const scores = drawn(groups);
      for (const scope of ["global", "local"] as const) {
        const cut = chooseCut(groups, scores, { keep: 0.5, scope, granularity: "both" });
        const rows = groups.groups.filter(({ kind }) => kind === "rows").flatMap(({ units }) => units);
        if (scope === "local") expect(rows.filter(({ id }) => cut.has(id)).length).toBeGreaterThan(0);
        const channels = groups.groups.filter(({ kind }) => kind === "channels").flatMap(({ units }) => units);
        const gone = channels.filter(({ id }) => cut.has(id)).length;
        expect(gone / channels.length).toBeGreaterThan(scope === "global" ? 0.499 : 0.4);
        expect(gone / channels.length).toBeLessThan(0.6);
        const proof = await proveCut(graph, groups, cut, { run, inputs: tokensOrImages(graph) });
        expect(proof.maxAbs, scope).toBeLessThanOrEqual(1e-4 * Math.max(1, proof.effect));
        expect(proof.effect, scope).toBeGreaterThan(100 * proof.maxAbs);
      }
    });

  it("are chosen by what each loses on average", () => {
    const graph = TOPOLOGIES.vit!();
    const groups = findGroups(graph);
    const flat = (rowScore: number) =>
      new Map(
        groups.groups.map((group) => [
          group.id,
          new Float64Array(group.size).fill(group.kind === "rows" ? rowScore : 1),
        ]),
      );
    const cutRows = (rowScore: number) => {
      const cut = chooseCut(groups, flat(rowScore), { keep: 0.8, scope: "global", granularity: "both" });
      return groups.units.filter(
        ({ id }) => cut.has(id) && groups.groups.some((g) => g.kind === "rows" && g.units.some((u) => u.id === id)),
      ).length;
    };
    expect(cutRows(0.5)).toBeGreaterThan(0);
    expect(cutRows(2)).toBe(0);
  });

  it("hold minimum and alignment in what is left of each group", () => {
    const graph = TOPOLOGIES.vit!();
    const groups = findGroups(graph);
    const options = { scope: "global", granularity: "both", alignment: 4, minimum: 8 } as const;
    for (const keep of [0.7, 0.5, 0.3]) {
      const small = cutGraph(graph, groups, chooseCut(groups, drawn(groups), { ...options, keep }));
      for (const name of ["linear7.w", "linear29.w", "linear43.w", "linear65.w"])
        expect((weightShape(small, name)[1] as number) % 4, `${name} at ${keep}`).toBe(0);
    }
  });

  it("a count of channels means the same with any number of heads", () => {
    const graph = TOPOLOGIES.bert!();
    const groups = findGroups(graph);
    const [keys, values, heads] = ["linear4.w", "linear14.w", "linear4.w rows"].map((name) => groupNamed(groups, name));
    const counts = new Map([
      [keys!.id, 12],
      [values!.id, 18],
      [heads!.id, 2],
    ]);
    const small = cutGraph(graph, groups, cutToCounts(groups, drawn(groups), counts));
    // 3 heads of 8: two are left, of four columns in queries and keys and of six in values.
    expect(["linear4.w", "linear9.w", "linear14.w"].map((name) => weightShape(small, name)[1])).toEqual([8, 8, 12]);
  });
});

describe("every choice on every topology", () => {
  it("is legal, or refused as a budget that cannot be met", () => {
    let made = 0;
    for (const [name, build] of Object.entries(TOPOLOGIES)) {
      const graph = build();
      const groups = findGroups(graph);
      const scores = drawn(groups);
      for (const granularity of ["channels", "rows", "both"] satisfies Granularity[])
        for (const [keep, block, alignment] of [
          [0.6, 2, 1],
          [0.4, 1, 4],
        ] as const)
          for (const scope of ["global", "local"] as const) {
            let cut: Set<number>;
            try {
              cut = chooseCut(groups, scores, { keep, scope, granularity, block, alignment });
            } catch (error) {
              expect(error, name).toMatchObject({ code: "budget" });
              continue;
            }
            cutShapes(graph, groups, cut);
            made++;
          }
    }
    expect(made).toBeGreaterThan(150);
  });
});

describe("blocks of units", () => {
  const g = draw("blocks");
  const x = g.conv(g.input("N", 3, 4, 4), "a", 10);
  const graph = g.done(g.head(g.node("Relu", [x])));
  const groups = findGroups(graph);
  const only = groupNamed(groups, "a.w");
  const first = only.units[0]!.id;

  it("go together, by their mean score; what fills no block stays", () => {
    expect(keepCounts(only, 1, 1, 4)).toEqual([6, 10]);
    expect(keepCounts(only, 1, 1, 2)).toEqual([2, 4, 6, 8, 10]);
    // Means of pairs: 5, 3, 4.5, 2, 6; the single lowest score lies in the best but one pair.
    const kept = selectUnits(only, [9, 1, 3, 3, 9, 0, 2, 2, 6, 6], 6, 1, 1, 2);
    expect(kept.map((id) => id - first)).toEqual([0, 1, 4, 5, 8, 9]);
    expect(selectUnits(only, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0], 6, 1, 1, 4).map((id) => id - first)).toEqual([
      4, 5, 6, 7, 8, 9,
    ]);
  });

  it("are refused where they are no number of units", () => {
    for (const block of [0, 1.5, -2]) expect(failure(() => keepCounts(only, 1, 1, block)).code).toBe("usage");
  });

  it("lie inside heads", () => {
    const vit = TOPOLOGIES.vit!();
    const found = findGroups(vit);
    const cut = chooseCut(found, drawn(found), { keep: 0.5, scope: "global", block: 4 });
    for (const group of found.groups.filter(({ kind }) => kind === "channels")) {
      expect([...cut].filter((id) => group.units.some((unit) => unit.id === id)).length % 4).toBe(0);
      for (const { units } of group.cells) expect(units.filter((i) => cut.has(group.units[i]!.id)).length % 4).toBe(0);
    }
    cutShapes(vit, found, cut);
  });
});
