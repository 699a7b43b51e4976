import { describe, expect, it } from "vitest";
import { coverageOf } from "../../../pipeline/groups/coverage.ts";
import { freezeWords } from "../../../pipeline/groups/freeze-reasons.ts";
import { frozenFacts } from "../../../pipeline/groups/frozen-facts.ts";
import { groupFacts } from "../../../pipeline/groups/group-facts.ts";
import { findGroups } from "../../../src/prune/index.ts";
import { TOPOLOGIES } from "../../topologies/index.ts";
import { prunableShare } from "../../topologies/prunable.ts";
import { quantised, residual, slicedOut } from "./graphs.ts";

describe("what a group controls", () => {
  it("is what goes when it alone is cut to one unit, by hand's figures", () => {
    const graph = residual();
    const [only, ...others] = groupFacts(graph, findGroups(graph));
    expect(others).toEqual([]);
    expect(only).toMatchObject({ name: "first.weight", kind: "channels", units: 6, least: 1 });
    // 16 pixels: 2 x 6 and 6 x 6 weights, then 6 x 3; left are 2, 1 and 3.
    expect(only!.macs).toBe(16 * (12 - 2 + 36 - 1) + (18 - 3));
    expect(only!.parameters).toBe(12 - 2 + (6 - 1) + (36 - 1) + (18 - 3));
    expect(only!.bytes).toBe(4 * only!.parameters);
    expect(only!.members).toEqual([
      { weight: "first.weight", axes: [0], role: "out", positions: 6 },
      { weight: "first.bias", axes: [0], role: "parameter", positions: 6 },
      { weight: "second.weight", axes: [1], role: "in", positions: 6 },
      { weight: "second.weight", axes: [0], role: "out", positions: 6 },
      { weight: "dense.weight", axes: [0], role: "in", positions: 6 },
    ]);
  });

  it("tells what makes units from what reads them also where weights are stored as integers", () => {
    const graph = quantised();
    const [group] = groupFacts(graph, findGroups(graph));
    expect(group!.members.map(({ weight, role }) => [weight, role])).toEqual([
      ["a", "out"],
      ["b", "in"],
    ]);
    expect([group!.macs, group!.parameters, group!.bytes]).toEqual([16 * 3 * 5, 15, 15]);
  });

  it("names a group's members by units, also in grids of attention heads", () => {
    const graph = TOPOLOGIES.vit!();
    const facts = groupFacts(graph, findGroups(graph));
    const rows = facts.filter(({ kind }) => kind === "rows");
    expect(rows.length).toBeGreaterThan(0);
    for (const { units, least, macs, parameters } of facts) {
      expect(least).toBeLessThan(units);
      expect(Math.min(macs, parameters)).toBeGreaterThan(0);
    }
  });
});

describe("the share of parameters in groups", () => {
  it("counts an element that two axes hold once", () => {
    const graph = residual();
    expect(coverageOf(graph, findGroups(graph))).toEqual({
      count: 12 + 6 + 36 + 18,
      bytes: 4 * 72,
      prunable: 72,
    });
    const sliced = slicedOut();
    // 4 of 6 rows of the first, all of the second.
    expect(coverageOf(sliced, findGroups(sliced)).prunable).toBe(4 * 2 + 12);
  });

  it.each(["resnext", "shufflenet-v2", "vit", "lstm-classifier", "densenet"])(
    "of %s is what a mask of every element says",
    (name) => {
      const graph = TOPOLOGIES[name]!();
      const groups = findGroups(graph);
      const { count, prunable } = coverageOf(graph, groups);
      expect(prunable / count).toBeCloseTo(prunableShare(graph, groups), 2);
    },
  );
});

describe("frozen axes", () => {
  it("say the reason, the node and whether all of it is frozen", () => {
    const graph = slicedOut();
    const facts = frozenFacts(graph, findGroups(graph)).map(({ weight, axis, reason, operator, partly }) => [
      weight,
      axis,
      reason,
      operator,
      partly,
    ]);
    expect(facts).toEqual([
      ["a.weight", 0, "graph-output", null, true],
      ["odd[0]", 0, "graph-output", null, false],
      ["a.weight", 1, "graph-input", "Conv", false],
    ]);
  });

  it("are put in words for every reason that the topologies give", () => {
    for (const build of Object.values(TOPOLOGIES))
      for (const { reason } of findGroups(build()).frozen) expect(freezeWords(reason), reason).not.toBe(reason);
    expect(freezeWords("operator NonMaxSuppression")).toBe("NonMaxSuppression has no rule for cutting");
    expect(freezeWords("toString")).toBe("toString");
  });
});
