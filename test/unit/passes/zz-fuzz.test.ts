import { it } from "vitest";
import { bindBatch, deployPipeline, importPipeline, PASSES, runPasses } from "../../../src/passes/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { difference, randomFeeds } from "./outputs.ts";
import { randomModel } from "./random-model.ts";
it("fuzz", async () => {
  const counts: Record<string, number> = {}; const worst: Record<string, number> = {};
  for (let seed = 100; seed < 700; seed++) {
    try {
    const graph = randomModel(seed, { blocks: 10, batch: seed % 3 === 0 ? 1 : "N" });
    const feeds = randomFeeds(graph, 1, seed);
    const expected = await runOnce(graph, feeds);
    for (const pass of PASSES.values()) {
      const trace: any[] = [];
      const once = runPasses(graph, [pass], { trace });
      for (const t of trace) counts[t.rule] = (counts[t.rule] ?? 0) + 1;
      if (runPasses(once, [pass]) !== once) console.log(seed, pass.name, "not idempotent");
      if (once === graph) continue;
      const d = difference(expected, await runOnce(once, feeds));
      worst[pass.name] = Math.max(worst[pass.name] ?? 0, d);
      if (d > (pass.name === "convert-float16" ? 2e-2 : 1e-4)) console.log(seed, pass.name, d);
    }
    const trace: any[] = [];
    const imported = runPasses(graph, importPipeline, { trace });
    const deployed = runPasses(imported, deployPipeline, { trace });
    for (const t of trace) counts[t.rule] = (counts[t.rule] ?? 0) + 1;
    const d = difference(expected, await runOnce(deployed, feeds)); worst.deploy = Math.max(worst.deploy ?? 0, d);
    if (d > 1e-4) console.log(seed, "deploy", d);
    if (runPasses(imported, importPipeline) !== imported) console.log(seed, "import pipeline not idempotent");
    if (runPasses(deployed, deployPipeline) !== deployed) console.log(seed, "deploy pipeline not idempotent");
    } catch (e: any) { console.log(seed, e.render?.() ?? e.stack); }
  }
  console.log(counts, worst);
}, 600000);
