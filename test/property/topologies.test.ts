import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/ir/index.ts";
import { cutGraph, findGroups, type PruneGroups, proveCut, proveGroups } from "../../src/prune/index.ts";
import { toNumbers } from "../../src/tensor/index.ts";
import { TOPOLOGIES } from "../topologies/index.ts";
import { prunableShare } from "../topologies/prunable.ts";
import { feedsOf, globalCut, runOnce } from "../topologies/prune-global.ts";

/**
 * Topologies of which less than 90 % can be cut, in percent (cut off), and the reasons besides the graph's own inputs and outputs. A layer norm fixes
 * the width of the residual stream, and with it all that lies on this width alone: depthwise kernels, patches, positions. WIDTHS says what can be
 * cut where its statistics may change.
 */
const FROZEN: Readonly<Record<string, { readonly percent: number; readonly reasons: readonly string[] }>> = {
  convnext: { percent: 72, reasons: ["norm-statistics"] },
  vit: { percent: 87, reasons: ["constant", "norm-statistics"] },
  swin: { percent: 83, reasons: ["norm-statistics"] },
};

/** Topologies whose width statistics fix (Swin's masks of places, which nothing can cut, are constants too), the units that there are more when they may change, and the percentage that can be cut then. */
const WIDTHS = [
  ["convnext", 56, 99],
  ["vit", 24, 99],
  ["swin", 48, 95],
  ["mobile-vit", 12, 99],
  ["bert", 24, 99],
  ["llama", 24, 99],
  ["llama-rotary-per-head", 24, 99],
] as const;

/** Groups of whole rows: attention heads (a key head with the query heads that it serves) and groups of grouped convolutions. */
const ROWS: Readonly<Record<string, number>> = {
  resnext: 4,
  regnet: 4,
  vit: 2,
  swin: 3,
  "mobile-vit": 2,
  bert: 2,
  llama: 2,
  "llama-rotary-per-head": 2,
};

/** Elements of all weights. */
function parametersOf(graph: Graph): number {
  return [...graph.values.values()].reduce((sum, value) => sum + (value.data?.data.length ?? 0), 0);
}

/** Cuts a share of all units at several ratios, and half of each group alone: masked and cut must agree. */
async function prove(graph: Graph, groups: PruneGroups): Promise<void> {
  const inputs = feedsOf(graph);
  const original = await runOnce(graph, inputs);
  // Float32 sums in another order: far stricter than the default, since these networks are shallow.
  const largest = Math.max(...Object.values(original).flatMap((output) => Array.from(toNumbers(output), Math.abs)));
  const options = { run: runOnce, inputs, original, tolerance: 1e-5 * largest };
  const units = groups.groups.reduce((sum, group) => sum + (group.kind === "channels" ? group.size : 0), 0);
  let before = parametersOf(graph);
  for (const ratio of [0.1, 0.3, 0.5, 0.7]) {
    const cut = globalCut(graph, groups, ratio);
    const proof = await proveCut(graph, groups, cut, options);
    expect(proof.maxAbs, `${ratio}`).toBeLessThanOrEqual(proof.tolerance);
    expect(proof.effect, `${ratio}`).toBeGreaterThan(100 * proof.tolerance);
    // Grids lose equally many units a row, so theirs are rounded down.
    expect(Math.abs(cut.size / units - ratio), `${ratio}`).toBeLessThan(0.1);
    const after = parametersOf(cutGraph(graph, groups, cut));
    expect(after).toBeLessThan(before);
    before = after;
  }
  for (const proof of await proveGroups(graph, groups, options))
    expect(proof.pass, `${proof.name}: ${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
}

describe("topologies", () => {
  it.each(Object.keys(TOPOLOGIES))(
    "%s: computes the same masked and cut at every ratio",
    { timeout: 60_000 },
    async (name) => {
      const graph = TOPOLOGIES[name]!();
      const groups = findGroups(graph);
      await prove(graph, groups);
      expect(groups.groups.filter((group) => group.kind === "rows")).toHaveLength(ROWS[name] ?? 0);
      const share = prunableShare(graph, groups);
      const expected = FROZEN[name];
      if (expected === undefined) expect(share).toBeGreaterThanOrEqual(0.9);
      else {
        const reasons = new Set(groups.frozen.map((frozen) => frozen.reason));
        const boundary = ["graph-input", "graph-output"];
        expect(Math.floor(100 * share)).toBe(expected.percent);
        expect([...reasons].filter((reason) => !boundary.includes(reason)).sort()).toEqual(expected.reasons);
      }
    },
  );

  it.each(WIDTHS)(
    "%s: loses width too where statistics may change",
    { timeout: 60_000 },
    async (name, units, percent) => {
      const graph = TOPOLOGIES[name]!();
      const [kept, groups] = [findGroups(graph), findGroups(graph, { allowNormStatistics: true })];
      await prove(graph, groups);
      const size = (found: PruneGroups) => found.units.length;
      expect(size(groups) - size(kept)).toBe(units);
      expect(Math.floor(100 * prunableShare(graph, groups))).toBe(percent);
      expect(groups.frozen.filter(({ reason }) => reason.includes("statistics"))).toEqual([]);
    },
  );
});
