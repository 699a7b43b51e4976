import { describe, expect, it } from "vitest";
import { ARCHITECTURES } from "../../../src/architectures/index.ts";
import { hashGraph } from "../../../src/ir/index.ts";
import { validateGraph } from "../../../src/ops/index.ts";
import { bindBatch, deployPipeline, importPipeline, PASSES, runPasses } from "../../../src/passes/index.ts";
import type { Pass } from "../../../src/rewrite/index.ts";
import { difference, randomFeeds, runSmall } from "./outputs.ts";
import { randomModel } from "./random-model.ts";

/** Float rounding over a dozen layers; float16 keeps 11 bits. */
const tolerance = (pass: Pass) => (pass.name === "convert-float16" ? 2e-2 : 1e-4);
const seeds = Array.from({ length: 24 }, (_, i) => i + 1);

describe.each(Object.entries(ARCHITECTURES))("%s", (_, build) => {
  it("is deployed without batch normalisation, with equal outputs", async () => {
    const graph = build(1);
    const deployed = runPasses(runPasses(graph, importPipeline), deployPipeline);
    expect(graph.nodes.filter((node) => node.op === "BatchNormalization").length).toBeGreaterThan(5);
    expect(deployed.nodes.filter((node) => node.op === "BatchNormalization")).toEqual([]);
    const feeds = randomFeeds(graph, 2);
    expect(difference(await runSmall(graph, feeds), await runSmall(deployed, feeds))).toBeLessThanOrEqual(1e-4);
  });
});

describe("cost", () => {
  it("takes a network of a thousand blocks through both pipelines in seconds", () => {
    const graph = randomModel(1, { blocks: 1000 });
    const start = process.cpuUsage();
    const deployed = runPasses(runPasses(graph, importPipeline), deployPipeline);
    const used = process.cpuUsage(start);
    // Processor time, not the clock's, which other processes slow down: about 0.7 s.
    expect((used.user + used.system) / 1e6).toBeLessThan(5);
    expect(graph.nodes.length).toBeGreaterThan(2000);
    expect(deployed.nodes.length).toBeLessThan(graph.nodes.length);
  });
});

describe.each(seeds)("model %i", (seed) => {
  it("keeps its outputs through every pass, and every pass is idempotent", async () => {
    const graph = randomModel(seed, { batch: seed % 3 === 0 ? 1 : "N" });
    validateGraph(graph);
    const feeds = randomFeeds(graph, 1, seed);
    const expected = await runSmall(graph, feeds);
    for (const pass of PASSES.values()) {
      const once = runPasses(graph, [pass]);
      expect(runPasses(once, [pass]), `${pass.name} twice`).toBe(once);
      if (once === graph) continue;
      expect(difference(expected, await runSmall(once, feeds)), pass.name).toBeLessThanOrEqual(tolerance(pass));
    }
  });

  it("keeps its outputs through the pipelines, on more samples than it was exported for", async () => {
    const graph = randomModel(seed, { batch: seed % 3 === 0 ? 1 : "N" });
    const imported = runPasses(graph, importPipeline);
    const deployed = runPasses(imported, deployPipeline);
    const one = randomFeeds(graph, 1, seed);
    expect(difference(await runSmall(graph, one), await runSmall(deployed, one))).toBeLessThanOrEqual(1e-4);
    const three = randomFeeds(imported, 3, seed);
    const bound = runPasses(deployed, [bindBatch(3)]);
    expect(difference(await runSmall(imported, three), await runSmall(bound, three))).toBeLessThanOrEqual(1e-4);
    expect(runPasses(imported, importPipeline)).toBe(imported);
    expect(runPasses(deployed, deployPipeline)).toBe(deployed);
    expect(hashGraph(runPasses(runPasses(graph, importPipeline), deployPipeline))).toBe(hashGraph(deployed));
  });
});
