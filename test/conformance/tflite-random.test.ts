import { describe, expect, it } from "vitest";
import { dsCnn, mobilenetV2, resnet8 } from "../../src/architectures/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { deployPipeline, runPasses } from "../../src/passes/index.ts";
import { calibrate, quantizeGraph } from "../../src/quantize/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { cycle, difference, randomFeed } from "./tflite-cycle.ts";
import { randomGraph } from "./tflite-random-graph.ts";

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

async function int8(graph: Graph, batch?: number): Promise<Graph> {
  const batches = [1, 2, 3, 4].map((seed) =>
    Object.fromEntries(
      graph.inputs.map((id) => {
        const { name, type } = valueById(graph, id);
        const shape = type.shape.map((dim) => (typeof dim === "string" ? (batch ?? 1) : dim));
        return [name, randomFeed({ dtype: type.dtype, shape }, seed, name)];
      }),
    ),
  );
  return quantizeGraph(graph, await calibrate(graph, batches, { open: (g) => openOrt(g, { threads: 1 }) }));
}

/** Largest difference over the outputs: in steps of the output's scale, or as a share of the largest for real outputs. */
async function distance(graph: Graph, seed: number): Promise<number> {
  const { expected, actual, emitted } = await cycle(graph, seed);
  return Math.max(
    ...emitted.outputs.map((side, i) => {
      const { absolute, magnitude } = difference([expected[i]!], [actual[i]!]);
      return side.quantization === undefined
        ? absolute / Math.max(1, magnitude)
        : Math.round(absolute / side.quantization.scales[0]!);
    }),
  );
}

describe("random graphs of movement, elementwise and contraction operators", () => {
  it.each(seeds)("float32, seed %d: within 1e-4", async (seed) => {
    expect(await distance(randomGraph(seed), seed)).toBeLessThanOrEqual(1e-4);
  });

  // Two steps: where a value rounds the other way in one operator, a second that magnifies it can add one more.
  it.each(seeds.slice(0, 30))("int8, seed %d: at most two steps", async (seed) => {
    expect(await distance(await int8(randomGraph(seed)), seed)).toBeLessThanOrEqual(2);
  });
});

describe.each(Object.entries({ dsCnn, mobilenetV2, resnet8 }))("%s with random weights", (_, make) => {
  const graph = runPasses(make(1), deployPipeline);

  it("float32: within 1e-4", async () => {
    expect(await distance(graph, 1)).toBeLessThanOrEqual(1e-4);
  });

  // Up to 28 layers in a row, each of which may round a value the other way.
  it("int8: at most two steps", async () => {
    expect(await distance(await int8(graph, 8), 1)).toBeLessThanOrEqual(2);
  });
});
