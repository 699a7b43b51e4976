import { describe, expect, it } from "vitest";
import { printGraph } from "../../../src/ir/index.ts";
import { deployPipeline, importPipeline, runPasses } from "../../../src/passes/index.ts";
import type { TraceEntry } from "../../../src/rewrite/index.ts";
import { randomModel } from "./random-model.ts";

const line = ({ pass, rule, node, added, removed, note }: TraceEntry) =>
  [`${pass} / ${rule} on ${node}: -[${removed.join(", ")}] +[${added.join(", ")}]`, note ?? []].flat().join(" ");

/** Weights to 4 digits: enough to see a change, too few to see a rounding. */
const rounded = (text: string) =>
  text.replace(/-?\d+\.\d{4,}(?:e[-+]\d+)?/g, (digits) => String(Number(Number(digits).toPrecision(4))));

/** What the pipelines do, rule by rule, and what comes out: a change of either shows in review. */
describe.each([1, 2, 3])("model %i", (seed) => {
  it("goes through the pipelines as recorded", async () => {
    const trace: TraceEntry[] = [];
    const graph = randomModel(seed, { batch: 1, blocks: 6 });
    const deployed = runPasses(runPasses(graph, importPipeline, { trace }), deployPipeline, { trace });
    const text = [printGraph(graph), ...trace.map(line), "", printGraph(deployed)].join("\n");
    await expect(rounded(text)).toMatchFileSnapshot(`../../golden/passes/model-${seed}.txt`);
  });
});
