import { describe, expect, it } from "vitest";
import { resnet8, vitTiny } from "../../../src/architectures/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder, validateGraph } from "../../../src/ops/index.ts";
import { float32, seededRandom, sizeOf } from "../../../src/tensor/index.ts";
import {
  memoryOf,
  openStepper,
  smoothedTargets,
  train,
  trainingGraph,
  trainingMemory,
} from "../../../src/train/index.ts";
import { executionOrder } from "../../../src/train/training-memory.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const BATCH = 8;
const optimiser = { kind: "sgd" } as const;

async function stepped(graph: Graph, sample: readonly number[], recompute?: number) {
  const training = trainingGraph(graph, { batch: BATCH, optimiser, ...(recompute === undefined ? {} : { recompute }) });
  validateGraph(training.graph);
  const random = seededRandom(1, "recompute");
  const shape = [BATCH, ...sample];
  const samples = float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
  const target = smoothedTargets([0, 1, 2, 3, 0, 1, 2, 3], training.classes!, 0);
  const stepper = await openStepper(training, 1);
  try {
    const losses: number[] = [];
    for (let i = 0; i < 3; i++)
      losses.push((await stepper.step({ samples, target, rate: 0.005, corrections: [] })).loss);
    return { losses, state: stepper.state(), activations: memoryOf(training).activations };
  } finally {
    await stepper.close();
  }
}

describe("recomputation of activations", () => {
  const models: [string, Graph, readonly number[], number, number][] = [
    ["a residual network", resnet8(1, [3, 16, 16]), [3, 16, 16], 3, 0.9],
    ["a transformer", vitTiny(1, [1, 16, 16], 4, { width: 32, depth: 6, heads: 2, patch: 2 }), [1, 16, 16], 4, 0.7],
  ];
  it.each(models)("%s: the same numbers in less memory", async (_, graph, sample, segments, share) => {
    const [plain, again] = [await stepped(graph, sample), await stepped(graph, sample, segments)];
    expect(again.losses).toEqual(plain.losses);
    expect(again.state).toEqual(plain.state);
    expect(again.losses[2]).toBeLessThan(again.losses[0]!);
    expect(again.activations).toBeLessThan(share * plain.activations);
  });
});

describe("training memory", () => {
  it("counts what is alive at once, in the order of execution", () => {
    const builder = newBuilder("branches");
    const x = builder.input("x", { dtype: "float32", shape: [1024] });
    const waits = builder.node("Relu", [x], {}, { name: "waits" });
    const grown = builder.node("Concat", [waits, x], { axis: 0 }, { name: "grown" });
    const turned = builder.node("Concat", [grown, x], { axis: 0 }, { name: "turned" });
    builder.output(builder.node("Concat", [turned, waits], { axis: 0 }, { name: "end" }));
    const graph = builder.build();
    expect(executionOrder(graph).map(({ name }) => name)).toEqual(["waits", "grown", "turned", "end"]);
    const training = { ...trainingGraph(tinyClassifier(), { batch: 4, optimiser }), graph, state: [] };
    const { state, inputs, activations, total } = memoryOf(training);
    expect({ state, inputs }).toEqual({ state: 0, inputs: 4096 });
    // 4 + 8 + 12 KiB, times what ONNX Runtime's arena loses.
    expect(activations).toBe(Math.round(1.3 * 24 * 1024));
    expect(total).toBe(state + inputs + activations);
  });

  it("grows with the batch and refuses what is over the limit before anything runs", async () => {
    const small = trainingMemory(tinyClassifier(), { batch: 4, optimiser });
    const large = trainingMemory(tinyClassifier(), { batch: 16, optimiser });
    expect(large.activations / small.activations).toBeGreaterThan(2.5);
    expect(large.state).toBe(small.state);
    const data = stripes(16);
    await expect(train(tinyClassifier(), data, { steps: 1, batch: 16, memoryLimit: 10_000 })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/needs \d\.\d+ MiB, and the limit is 0\.01 MiB/),
    });
    await train(tinyClassifier(), data, { steps: 1, batch: 16, threads: 1, optimiser, memoryLimit: large.total });
  });
});
