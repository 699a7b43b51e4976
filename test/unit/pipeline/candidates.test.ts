import { describe, expect, it } from "vitest";
import {
  candidate,
  candidateShapes,
  choicesOf,
  cutFor,
  cuttable,
  grainOf,
  type Scores,
} from "../../../pipeline/candidates.ts";
import { resolveConfig } from "../../../pipeline/config.ts";
import { valueById } from "../../../src/ir/index.ts";
import { findGroups } from "../../../src/prune/index.ts";
import { totalMacs } from "../../../targets/index.ts";
import { HEAVY, SMALL, tinyModel } from "../../fixtures/e2e/tiny-inputs.ts";

const graph = tinyModel(1, SMALL);
const groups = findGroups(graph);
const [stem, wide] = cuttable(groups);
/** Later units matter more. */
const scores: Scores = Object.fromEntries(
  groups.groups.map(({ name, size }) => [name, Array.from({ length: size }, (_, i) => i)]),
);

function width(from: typeof graph, name: string): number {
  const found = [...from.values.values()].find((value) => value.name === name);
  return valueById(from, found!.id).type.shape[0] as number;
}

describe("groups that are cut", () => {
  it("are the residual block with all that is added to it, and the last convolution", () => {
    expect(cuttable(groups).map(({ name, size }) => [name, size])).toEqual([
      ["stem.weight", 16],
      ["wide.weight", 32],
    ]);
  });
});

describe("choicesOf", () => {
  it("falls from all units in steps of the grain to the least", () => {
    expect(choicesOf(wide!, 8, 8)).toEqual([32, 24, 16, 8]);
    expect(choicesOf(wide!, 8, 16)).toEqual([32, 24, 16]);
    expect(choicesOf(stem!, 4, 4)).toEqual([16, 12, 8, 4]);
  });

  it("keeps a group whole that is not above the least", () => {
    expect(choicesOf(stem!, 8, 16)).toEqual([16]);
    expect(choicesOf(stem!, 8, 64)).toEqual([16]);
  });

  it("thins out a wide group and keeps both ends", () => {
    const large = cuttable(findGroups(tinyModel(1, { ...HEAVY, width: 256 }))).find(({ size }) => size === 256)!;
    const counts = choicesOf(large, 4, 4);
    expect(counts.length).toBeLessThanOrEqual(18);
    expect([counts[0], counts.at(-1)]).toEqual([256, 4]);
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => b - a));
    for (const count of counts) expect(count % 4).toBe(0);
  });
});

describe("candidate", () => {
  it("cuts the least important units of each group to the number asked", () => {
    const cut = candidate(graph, groups, scores, { "stem.weight": 8, "wide.weight": 24 });
    expect([width(cut, "stem.weight"), width(cut, "depthwise.weight"), width(cut, "wide.weight")]).toEqual([8, 8, 24]);
    const [before, after] = [graph, cut].map(
      (g) => [...g.values.values()].find(({ name }) => name === "stem.weight")!.data!,
    );
    // Units 8 to 15 stay: 9 weights each.
    expect(Array.from(after!.data as Float32Array)).toEqual(Array.from((before!.data as Float32Array).slice(72)));
  });

  it("has the costs of its shapes-only twin", () => {
    for (const kept of [{ "stem.weight": 4 }, { "wide.weight": 8 }, { "stem.weight": 12, "wide.weight": 16 }])
      expect(totalMacs(candidateShapes(graph, groups, scores, kept))).toBe(
        totalMacs(candidate(graph, groups, scores, kept)),
      );
  });

  it("is the graph itself when nothing is cut", () => {
    expect(cutFor(groups, scores, {}).size).toBe(0);
    expect(candidate(graph, groups, scores, { "stem.weight": 16, "wide.weight": 32 })).toBe(graph);
  });
});

describe("grainOf", () => {
  it("is the target's or the device's own, whichever is greater", async () => {
    for (const [name, least] of [
      ["ampere", 8],
      ["npu", 8],
      ["mcu", 4],
      ["cpu", 4],
    ] as const) {
      const { target, profile } = await resolveConfig({ target: name });
      expect(grainOf(target, profile)).toBeGreaterThanOrEqual(least);
    }
    const { target, profile } = await resolveConfig({ target: "npu" });
    expect(grainOf({ ...target, grain: 48 }, profile)).toBe(48);
  });
});
