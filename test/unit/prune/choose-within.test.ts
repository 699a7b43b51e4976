import { describe, expect, it } from "vitest";
import { resnet8 } from "../../../src/architectures/index.ts";
import { macsOf } from "../../../src/ops/index.ts";
import { type Cut, chooseCutWithin, cutShapes, findGroups, scoreGroups } from "../../../src/prune/index.ts";

const graph = resnet8(1, [3, 16, 16]);
const groups = findGroups(graph);
const channels = groups.groups.filter(({ kind }) => kind === "channels");
const scores = scoreGroups(graph, groups, "l1");
const macs = (cut: Cut) => {
  const small = cut.size === 0 ? graph : cutShapes(graph, groups, cut);
  return small.nodes.reduce((sum, node) => sum + macsOf(small, node), 0);
};
const whole = macs(new Set());

describe("chooseCutWithin", () => {
  it.each([
    [0.75, "global"],
    [0.5, "global"],
    [0.25, "global"],
    [0.5, "local"],
  ] as const)("%s of the MACs, %s: within the limit, and one step less is not", (share, scope) => {
    const limit = Math.floor(share * whole);
    const cut = chooseCutWithin(channels, scores, { cost: macs, limit, what: "MACs" }, { scope });
    expect(macs(cut)).toBeLessThanOrEqual(limit);
    expect(macs(cut)).toBeGreaterThan(0.8 * limit);
  });

  it("cuts nothing where the limit holds already", () => {
    expect(
      chooseCutWithin(channels, scores, { cost: macs, limit: whole, what: "MACs" }, { scope: "global" }).size,
    ).toBe(0);
  });

  it.each(["global", "local"] as const)("says what the least is where the limit cannot be met (%s)", (scope) => {
    const ask = () => chooseCutWithin(channels, scores, { cost: macs, limit: 10, what: "MACs" }, { scope, minimum: 8 });
    expect(ask).toThrow(/at most 10 MACs, the least that cutting units reaches is \d{4,}/);
  });
});
