import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/ir/index.ts";
import {
  cutGraph,
  cutOf,
  findGroups,
  joinCuts,
  type PruneGroups,
  proveCut,
  proveGroups,
  scoreGroups,
  selectUnits,
} from "../../src/prune/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { float32, fromNumbers, seededRandom, type Tensor, toNumbers } from "../../src/tensor/index.ts";
import { TOPOLOGIES } from "../topologies/index.ts";
import { prunableShare } from "../topologies/prunable.ts";

/**
 * Topologies of which less than 90 % can be cut, in percent (cut off), and the reasons besides the graph's own inputs and outputs. A layer norm fixes
 * the width of the residual stream, and with it all that lies on this width alone: depthwise kernels, patches, positions.
 */
const FROZEN: Readonly<Record<string, { readonly percent: number; readonly reasons: readonly string[] }>> = {
  convnext: { percent: 72, reasons: ["mixed"] },
  vit: { percent: 87, reasons: ["mixed"] },
  swin: { percent: 86, reasons: ["mixed"] },
};

/** Groups of whole rows: attention heads (a key head with the query heads that it serves) and groups of grouped convolutions. */
const ROWS: Readonly<Record<string, number>> = {
  resnext: 4,
  regnet: 4,
  vit: 2,
  swin: 3,
  "mobile-vit": 2,
  bert: 2,
  "llama-rotary-per-head": 2,
};

async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openOrt(graph, { threads: 1, optimise: "basic" });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Normal values, or tokens below 16, in batches of 2. */
function feedsOf(graph: Graph): Record<string, Tensor> {
  const random = seededRandom(3, "topology");
  return Object.fromEntries(
    graph.inputs.map((id) => {
      const { name, type } = graph.values.get(id)!;
      const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 2));
      const size = shape.reduce((a, b) => a * b, 1);
      const values = Array.from({ length: size }, () => (type.dtype === "int64" ? random.below(16) : random.normal()));
      return [name, type.dtype === "int64" ? fromNumbers("int64", shape, values) : float32(shape, values)];
    }),
  );
}

/** The cut of the lowest `ratio` of all channel units by magnitude, compared over the whole graph; every group keeps a legal number. */
function globalCut(graph: Graph, groups: PruneGroups, ratio: number): Set<number> {
  const scores = scoreGroups(graph, groups, "l2");
  const channels = groups.groups.filter((group) => group.kind === "channels");
  const sorted = channels.flatMap((group) => [...scores.get(group.id)!]).sort((a, b) => a - b);
  const threshold = sorted[Math.floor(ratio * sorted.length)]!;
  return joinCuts(
    channels.map((group) => {
      const own = scores.get(group.id)!;
      const keep = Math.max(1, [...own].filter((score) => score >= threshold).length);
      return cutOf(group, selectUnits(group, own, keep));
    }),
  );
}

/** Elements of all weights. */
function parametersOf(graph: Graph): number {
  return [...graph.values.values()].reduce((sum, value) => sum + (value.data?.data.length ?? 0), 0);
}

describe("topologies", () => {
  for (const [name, build] of Object.entries(TOPOLOGIES)) {
    it(`${name}: computes the same masked and cut at every ratio`, { timeout: 60_000 }, async () => {
      const graph = build();
      const groups = findGroups(graph);
      const inputs = feedsOf(graph);
      const original = await run(graph, inputs);
      // Float32 sums in another order: far stricter than the default, since these networks are shallow.
      const largest = Math.max(...Object.values(original).flatMap((output) => Array.from(toNumbers(output), Math.abs)));
      const options = { run, inputs, original, tolerance: 1e-5 * largest };
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
    });
  }
});
