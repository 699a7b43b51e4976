import { describe, expect, it } from "vitest";
import {
  candidate,
  candidateShapes,
  choicesOf,
  cuttable,
  removable,
  type Scores,
} from "../../../pipeline/candidates.ts";
import { resolveConfig } from "../../../pipeline/config.ts";
import { resnet8, vitTiny } from "../../../src/architectures/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { findGroups } from "../../../src/prune/index.ts";
import { parametersOf, TARGETS, totalMacs } from "../../../targets/index.ts";

function widths(graph: Graph, ...names: string[]): (number | string | undefined)[] {
  const values = [...graph.values.values()];
  return names.map((name) => values.find((value) => value.name === name)?.type.shape[1]);
}

function rising(graph: Graph): Scores {
  return Object.fromEntries(
    findGroups(graph).groups.map(({ name, size }) => [name, Array.from({ length: size }, (_, i) => i)]),
  );
}

describe("--granularity", () => {
  it("takes words with commas, in any order, or the target's own", async () => {
    const of = async (granularity?: string) =>
      (await resolveConfig({ target: "cpu", ...(granularity === undefined ? {} : { granularity }) })).granularity;
    expect(await of()).toEqual(TARGETS.cpu.granularity);
    expect(await of("blocks, channels,blocks")).toEqual(["channels", "blocks"]);
    expect(await of("heads")).toEqual(["heads"]);
    expect(await of("all")).toEqual(["channels", "heads", "blocks"]);
  });

  it("refuses a word that it does not know", async () => {
    for (const [wrong, near] of [
      ["head", "heads"],
      ["channels,block", "blocks"],
    ] as const)
      await expect(resolveConfig({ target: "cpu", granularity: wrong })).rejects.toMatchObject({
        code: "usage",
        hint: expect.stringContaining(`"${near}"`),
      });
    await expect(resolveConfig({ target: "cpu", granularity: "" })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("heads", () => {
  const graph = vitTiny(1, [1, 8, 8], 4, { patch: 4, width: 32, depth: 1, heads: 4 });
  const groups = findGroups(graph);
  const heads = cuttable(groups, ["heads"]);

  it("are groups of their own, of which one may be left", () => {
    expect(heads.map(({ kind, size }) => [kind, size])).toEqual([["rows", 4]]);
    expect(choicesOf(heads[0]!, 8, 16)).toEqual([4, 3, 2, 1]);
    expect(cuttable(groups).some(({ kind }) => kind === "rows")).toBe(false);
    expect(cuttable(groups, ["channels", "heads"])).toHaveLength(groups.groups.length);
  });

  it("are cut together with the size of those that are left", () => {
    const size = cuttable(groups).find(({ name }) => heads[0]!.name === `${name} rows`)!;
    const kept = { [heads[0]!.name]: 2, [size.name]: size.size / 2 };
    const small = candidate(graph, groups, rising(graph), kept);
    expect(widths(graph, size.name)).toEqual([96]);
    expect(widths(small, size.name)).toEqual([24]);
    expect(totalMacs(candidateShapes(graph, groups, rising(graph), kept))).toBe(totalMacs(small));
  });

  it("leave their columns on the grain together, where each alone would", () => {
    const size = cuttable(groups).find(({ name }) => heads[0]!.name === `${name} rows`)!;
    // Four heads of eight in three parts: 96. Three heads are 72, five columns in each of four heads 60, both together 45.
    const kept = { [heads[0]!.name]: 3, [size.name]: (size.size * 5) / 8 };
    const of = (grain: number) => widths(candidate(graph, groups, rising(graph), kept, { grain }), size.name);
    expect([of(1), of(6), of(8)]).toEqual([[45], [54], [72]]);
  });
});

describe("blocks", () => {
  const graph = resnet8(1);
  const groups = findGroups(graph);
  const blocks = removable(graph, ["blocks"]);
  const [first, second] = blocks;

  it("are the residual blocks, and none where they are not asked for", () => {
    expect(blocks.map(({ kind }) => kind)).toEqual(["residual", "residual", "residual"]);
    expect(removable(graph, ["channels", "heads"])).toEqual([]);
  });

  it("go with the channels in them, and leave the cuts elsewhere", () => {
    const kept = { "block1.conv1.weight": 8, "block2.conv1.weight": 16, [first!.name]: 0, [second!.name]: 1 };
    const small = candidate(graph, groups, rising(graph), kept, { blocks });
    expect(widths(small, "block1.conv1.weight", "block2.conv2.weight")).toEqual([undefined, 16]);
    expect(totalMacs(candidateShapes(graph, groups, rising(graph), kept, { blocks }))).toBe(totalMacs(small));
    const without = candidate(graph, groups, rising(graph), { [first!.name]: 0 }, { blocks });
    expect(parametersOf(without)).toBeLessThan(parametersOf(graph));
    // A block that is not among those given is none of the candidate's business.
    expect(candidate(graph, groups, rising(graph), { [first!.name]: 0 })).toBe(graph);
  });
});
