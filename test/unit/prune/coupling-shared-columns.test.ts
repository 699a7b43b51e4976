import { describe, expect, it } from "vitest";
import type { Graph } from "../../../src/ir/index.ts";
import { cutGraph, findGroups, proveCut } from "../../../src/prune/index.ts";
import { llama } from "../../topologies/attention.ts";
import { feedsOf, runOnce } from "../../topologies/prune-global.ts";
import { groupNamed, weightShape } from "./draw.ts";

async function expectSame(graph: Graph, cut: ReadonlySet<number>): Promise<Graph> {
  const groups = findGroups(graph);
  const proof = await proveCut(graph, groups, cut, { run: runOnce, inputs: feedsOf(graph) });
  expect(proof.pass, `${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
  expect(proof.effect).toBeGreaterThan(100 * proof.tolerance);
  return cutGraph(graph, groups, cut);
}

describe("heads that share a rotary table", () => {
  // Four query heads and two key heads of six, in pairs (j, j + 3) that the table turns.
  const graph = llama();
  const groups = findGroups(graph);
  const columns = groupNamed(groups, "linear8.w");
  const heads = groupNamed(groups, "linear8.w rows");

  it("lose columns, the same in all heads", async () => {
    expect(columns.texts[0]).toBe("linear8.w[out] 24");
    expect(columns.units[0]!.slices[0]!.positions).toEqual([0, 3, 6, 9, 12, 15, 18, 21]);
    const small = await expectSame(graph, new Set([columns.units[1]!.id]));
    expect(weightShape(small, "linear8.w")).toEqual([24, 16]);
    expect(weightShape(small, "linear20.w")).toEqual([24, 8]);
  });

  it("go, a key head with the query heads that it serves", async () => {
    expect(heads.size).toBe(2);
    expect(heads.units[0]!.slices[0]!.positions).toEqual(Array.from({ length: 12 }, (_, i) => i));
    const small = await expectSame(graph, new Set([heads.units[0]!.id]));
    expect(weightShape(small, "linear8.w")).toEqual([24, 12]);
    expect(weightShape(small, "linear20.w")).toEqual([24, 6]);
    expect(weightShape(small, "linear35.w")).toEqual([24, 6]);
  });

  it("do both at once", async () => {
    const small = await expectSame(graph, new Set([heads.units[1]!.id, columns.units[2]!.id]));
    expect(weightShape(small, "linear8.w")).toEqual([24, 8]);
    expect(weightShape(small, "linear20.w")).toEqual([24, 4]);
  });
});
