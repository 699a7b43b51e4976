import { describe, expect, it } from "vitest";
import { type Graph, hashGraph } from "../../../src/ir/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32, seededRandom, type Tensor } from "../../../src/tensor/index.ts";
import { bindBatch, evaluate, openStepper, smoothedTargets, train, trainingGraph } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const data = stripes(64);
const indices = Array.from({ length: 16 }, (_, i) => i);

async function scores(graph: Graph): Promise<Float32Array> {
  const results = await runOnce(bindBatch(graph, 16), { input: data.batch(indices) });
  return Object.values(results)[0]!.data as Float32Array;
}

const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe("low-rank adapters", () => {
  it("fused give the outputs of the adapted model, in a graph of the same structure", async () => {
    const graph = tinyClassifier();
    const training = trainingGraph(graph, { batch: 16, optimiser: { kind: "sgd" }, adapters: { rank: 2, alpha: 4 } });
    // Every tensor that is trained belongs to an adapter.
    expect(
      training.state.filter(({ role }) => role === "weight").every(({ input }) => input.includes(".adapter.")),
    ).toBe(true);
    expect(training.adapters.length).toBe(2);
    const stepper = await openStepper(training, 1);
    const samples = data.batch(indices);
    const target = smoothedTargets(
      indices.map((i) => data.labels[i]!),
      4,
      0,
    );
    const feeds = { samples, target, corrections: [] };
    try {
      const before = (await stepper.step({ ...feeds, rate: 0.1 })).logits.slice();
      expect(difference(before, await scores(graph))).toBeLessThan(1e-6);
      for (let i = 0; i < 10; i++) await stepper.step({ ...feeds, rate: 0.1 });
      const weights = stepper.weights();
      const adapted = (await stepper.step({ ...feeds, rate: 0 })).logits.slice();
      const values = new Map(
        [...graph.values].map(([id, value]) => [
          id,
          weights.has(id) ? { ...value, data: weights.get(id) as Tensor } : value,
        ]),
      );
      const fused = { ...graph, values };
      expect(difference(await scores(fused), adapted)).toBeLessThan(1e-5);
      expect(difference(adapted, before)).toBeGreaterThan(0.1);
      expect(weights.size).toBe(2);
    } finally {
      await stepper.close();
    }
  });

  it("teach a trained model something else through few numbers", async () => {
    const schedule = { kind: "constant", rate: 0.05 } as const;
    const { graph } = await train(tinyClassifier(), data, { epochs: 10, batch: 16, threads: 1, schedule });
    const swapped = { ...data, labels: data.labels.map((label) => 3 - label) };
    expect((await evaluate(graph, swapped, { threads: 1 })).accuracy).toBeLessThan(0.1);
    const tuned = await train(graph, swapped, {
      epochs: 30,
      batch: 16,
      threads: 1,
      optimiser: { kind: "adamw" },
      schedule: { kind: "constant", rate: 0.02 },
      adapters: { rank: 2 },
    });
    expect((await evaluate(tuned.graph, swapped, { threads: 1 })).accuracy).toBeGreaterThan(0.95);
    expect(tuned.graph.nodes.map(({ op }) => op)).toEqual(graph.nodes.map(({ op }) => op));
    // Nothing but the adapted weights has changed.
    const changed = [...graph.values.values()].filter(
      ({ id, data: own }) =>
        own !== undefined &&
        difference(own.data as Float32Array, tuned.graph.values.get(id)!.data!.data as Float32Array) > 0,
    );
    expect(changed.map(({ name }) => name).sort()).toEqual(
      ["classifier.weight", "third.weight"].filter((name) => changed.some((value) => value.name === name)),
    );
    expect(changed).toHaveLength(2);
  });

  it("are refused where no weight can have one", async () => {
    const frozen = new Set(
      [...tinyClassifier().values.values()].flatMap(({ name, data: own }) => (own === undefined ? [] : [name])),
    );
    const run = (options: object) =>
      train(tinyClassifier(), data, { steps: 1, batch: 16, adapters: { rank: 2 }, ...options });
    await expect(run({ frozen })).rejects.toThrow("No weight can have a low-rank adapter");
    await expect(run({ adapters: { rank: 0 } })).rejects.toThrow(/rank 0/);
    await expect(
      run({ masks: new Map([["third.weight", float32([12, 8, 1, 1], new Float32Array(96))]]) }),
    ).rejects.toThrow(/exclude each other/);
  });

  it("are the same for the same seed", async () => {
    const run = async (seed: number) =>
      hashGraph(
        (await train(tinyClassifier(), data, { steps: 3, batch: 16, threads: 1, seed, adapters: { rank: 1 } })).graph,
      );
    expect(await run(1)).toBe(await run(1));
    expect(await run(2)).not.toBe(await run(1));
    expect(seededRandom(1).next()).toBe(seededRandom(1).next());
  });
});
