import { describe, expect, it } from "vitest";
import type { Graph, ValueId } from "../../../src/ir/index.ts";
import { findGroups, proveGroups } from "../../../src/prune/index.ts";
import { scalar } from "../../../src/tensor/index.ts";
import { draw, feedsOf, frozenLines, groupLines, run } from "./draw.ts";

type Draw = ReturnType<typeof draw>;
/** What stands between a convolution of 4 channels and a classifier. */
type Middle = (g: Draw, x: ValueId) => ValueId;

function between(name: string, middle: Middle): Graph {
  const g = draw(name);
  const x = g.conv(g.input("N", 3, 4, 4), "a", 4);
  return g.done(g.head(middle(g, x)));
}

const constant = (g: Draw, value: number) => g.builder.constant("k", scalar("int64", value));

/** Channels pass: they can be cut before and after. */
const passing: readonly [string, Middle][] = [
  ["Cos, which is not 0 at 0", (g, x) => g.node("Cos", [x])],
  ["Gelu", (g, x) => g.node("Gelu", [x], { approximate: "tanh" })],
  ["CastLike", (g, x) => g.node("CastLike", [x, g.weight("like", 1)])],
  ["Mod by a channel's constant", (g, x) => g.node("Mod", [x, g.weight("m", 4, 1, 1)], { fmod: 1 })],
  ["Mean with itself", (g, x) => g.node("Mean", [x, g.node("Sin", [x]), g.weight("m", 1, 4, 1, 1)])],
  ["CumSum along a row", (g, x) => g.node("CumSum", [x, constant(g, 3)])],
  ["Trilu of the rows and columns", (g, x) => g.node("Trilu", [x, constant(g, 1)], { upper: 0 })],
  ["Hardmax along a row", (g, x) => g.node("Hardmax", [x])],
  ["LpNormalization along a row", (g, x) => g.node("LpNormalization", [x])],
  ["MeanVarianceNormalization", (g, x) => g.node("MeanVarianceNormalization", [x], { axes: [2, 3] })],
  ["TopK along a row", (g, x) => g.builder.nodes("TopK", [x, g.ints(2)], {}, { outputs: 2 })[0]!],
  ["Det of each channel", (g, x) => g.node("Mul", [x, g.node("Unsqueeze", [g.node("Det", [x]), g.ints(2, 3)])])],
  ["ReduceLogSumExp over places", (g, x) => g.node("ReduceLogSumExp", [x, g.ints(2, 3)])],
];

/** Channels mix: they keep their number. */
const mixing: readonly [string, Middle, string][] = [
  ["CumSum along channels", (g, x) => g.node("CumSum", [x, constant(g, 1)]), "mixed"],
  ["LRN", (g, x) => g.node("LRN", [x], { size: 3 }), "mixed"],
  ["Hardmax over channels", (g, x) => g.node("Hardmax", [x], { axis: 1 }), "mixed"],
  ["ReduceLogSumExp over channels", (g, x) => g.node("ReduceLogSumExp", [x, g.ints(1)]), "statistics"],
  ["TopK over channels", (g, x) => g.builder.nodes("TopK", [x, g.ints(4)], { axis: 1 }, { outputs: 2 })[0]!, "mixed"],
];

describe("coupling of the mathematical operators", () => {
  it.each(passing)("%s lets channels be cut", async (name, middle) => {
    const graph = between(name, middle);
    const groups = findGroups(graph);
    expect(groupLines(groups)).toEqual([expect.stringMatching(/^a\.w\[out\] 4, .*fc\.w\[in\] 4.* \| 4$/)]);
    for (const proof of await proveGroups(graph, groups, { run, inputs: feedsOf(graph), keep: 0.5 }))
      expect(proof.pass, `${proof.name}: ${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
  });

  it.each(mixing)("%s keeps them", (name, middle, reason) => {
    const groups = findGroups(between(name, middle));
    expect(groupLines(groups)).toEqual([]);
    expect(frozenLines(groups)).toContain(`a.w[0] ${reason}`);
  });

  it("a sum of magnitudes over channels ends them: zeros do not change it", async () => {
    const g = draw("l1");
    const x = g.conv(g.input("N", 3, 4, 4), "a", 4);
    const graph = g.done(g.node("ReduceL1", [x, g.ints(1)]));
    const groups = findGroups(graph);
    expect(groupLines(groups)).toEqual(["a.w[out] 4, a.b 4 | 4"]);
    for (const proof of await proveGroups(graph, groups, { run, inputs: feedsOf(graph), keep: 0.5 }))
      expect(proof.pass).toBe(true);
  });
});
