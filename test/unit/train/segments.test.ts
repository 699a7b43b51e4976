import { describe, expect, it } from "vitest";
import { hashGraph } from "../../../src/ir/index.ts";
import { type Optimiser, planOf, shiftAndFlip, type TrainOptions, train } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const data = stripes(40);
const optimisers: [string, Optimiser][] = [
  ["SGD", { kind: "sgd", weightDecay: 1e-3 }],
  ["plain SGD", { kind: "sgd", momentum: 0 }],
  ["AdamW", { kind: "adamw" }],
];

describe("a run in parts", () => {
  it.each(optimisers)("gives the bytes of the whole with %s", async (_, optimiser) => {
    const options: TrainOptions = {
      steps: 11,
      batch: 8,
      threads: 1,
      optimiser,
      schedule: { kind: "cosine", rate: 0.01, warmUp: 0.2 },
      augment: shiftAndFlip({ shift: 1 }),
      seed: 2,
    };
    const whole = await train(tinyClassifier(), data, options);
    expect(whole.memory).toBeUndefined();
    const first = await train(tinyClassifier(), data, { ...options, segment: { from: 0, to: 3 } });
    const second = await train(first.graph, data, { ...options, segment: { from: 3, to: 7, memory: first.memory! } });
    const third = await train(second.graph, data, { ...options, segment: { from: 7, to: 11, memory: second.memory! } });
    expect(hashGraph(third.graph)).toBe(hashGraph(whole.graph));
    expect(first.history.map(({ steps }) => steps)).toEqual([3]);
    expect(second.history.map(({ epoch, steps }) => [epoch, steps])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(third.stoppedEarly).toBe(false);
  });

  it("forgets what it is not given", async () => {
    const options = { steps: 6, batch: 8, threads: 1, schedule: { kind: "constant", rate: 0.01 } } as const;
    const first = await train(tinyClassifier(), data, { ...options, segment: { from: 0, to: 3 } });
    const rest = { ...options, segment: { from: 3, to: 6 } };
    const with_ = await train(first.graph, data, { ...rest, segment: { ...rest.segment, memory: first.memory! } });
    const without = await train(first.graph, data, rest);
    expect(hashGraph(with_.graph)).not.toBe(hashGraph(without.graph));
  });

  it("of no updates leaves the weights as they are", async () => {
    const graph = tinyClassifier();
    const result = await train(graph, data, { steps: 6, batch: 8, threads: 1, segment: { from: 3, to: 3 } });
    expect(hashGraph(result.graph)).toBe(hashGraph(graph));
    expect(result.history).toEqual([]);
  });

  it("that is none of it is refused", async () => {
    const run = (from: number, to: number) => train(tinyClassifier(), data, { steps: 6, segment: { from, to } });
    await expect(run(0, 7)).rejects.toThrow("A run of 6 updates has no part from 0 to 7");
    await expect(run(3, 2)).rejects.toThrow("no part from 3 to 2");
    await expect(run(-1, 2)).rejects.toThrow("no part from -1 to 2");
  });

  it("is as long as the plan says", () => {
    expect(planOf(data, { epochs: 3, batch: 8, accumulate: 2 })).toEqual({
      batch: 8,
      accumulate: 2,
      perEpoch: 2,
      steps: 6,
    });
    expect(planOf(data, {})).toEqual({ batch: 40, accumulate: 1, perEpoch: 1, steps: 1 });
  });
});
