import { describe, expect, it } from "vitest";
import { hashGraph, valueById } from "../../../src/ir/index.ts";
import { validateGraph } from "../../../src/ops/index.ts";
import { float32 } from "../../../src/tensor/index.ts";
import { evaluate, type Optimiser, shiftAndFlip, train, trainableConstants } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const data = stripes(64);
const quick = { batch: 16, threads: 1, schedule: { kind: "constant", rate: 0.05 } } as const;

function constant(graph: ReturnType<typeof tinyClassifier>, name: string): Float32Array {
  const value = [...graph.values.values()].find((candidate) => candidate.name === name)!;
  return value.data!.data as Float32Array;
}

describe("train", () => {
  const optimisers: [string, Optimiser, number][] = [
    ["SGD with Nesterov momentum", { kind: "sgd", weightDecay: 0 }, 0.05],
    ["plain SGD", { kind: "sgd", momentum: 0, weightDecay: 0 }, 0.3],
    ["AdamW", { kind: "adamw", weightDecay: 0 }, 0.01],
  ];
  it.each(optimisers)("%s overfits a small set", async (_, optimiser, rate) => {
    const small = stripes(16);
    const before = await evaluate(tinyClassifier(), small, { threads: 1 });
    const { graph, history } = await train(tinyClassifier(), small, {
      steps: 150,
      batch: 16,
      optimiser,
      threads: 1,
      schedule: { kind: "constant", rate },
    });
    validateGraph(graph);
    expect(before.loss).toBeGreaterThan(1);
    expect(history.at(-1)!.loss).toBeLessThan(0.02);
    const after = await evaluate(graph, small, { threads: 1 });
    expect(after).toMatchObject({ accuracy: 1, n: 16 });
    // Running statistics have followed the batch: the deployed form agrees with the trained one.
    expect(after.loss).toBeLessThan(0.1);
  });

  it("learns what it was not shown", async () => {
    const { graph } = await train(tinyClassifier(), data, {
      ...quick,
      epochs: 15,
      augment: shiftAndFlip({ shift: 0, flip: false }),
    });
    expect((await evaluate(graph, stripes(64, 99), { threads: 1 })).accuracy).toBeGreaterThan(0.9);
  });

  it("gives the same bytes for the same seed, others for another", async () => {
    const run = async (seed: number) => {
      const { graph, history } = await train(tinyClassifier(), data, {
        ...quick,
        steps: 12,
        seed,
        augment: shiftAndFlip({ shift: 1, flip: true }),
        threads: 2,
      });
      return { hash: hashGraph(graph), history };
    };
    const [first, again, other] = [await run(5), await run(5), await run(6)];
    expect(again).toEqual(first);
    expect(other.hash).not.toBe(first.hash);
  });

  it("leaves its input graph unchanged", async () => {
    const graph = tinyClassifier();
    const before = hashGraph(graph);
    const result = await train(graph, data, { ...quick, steps: 2 });
    expect(hashGraph(graph)).toBe(before);
    expect(hashGraph(result.graph)).not.toBe(before);
  });

  it("keeps masked weights at zero and trains the others", async () => {
    const graph = tinyClassifier();
    const size = constant(graph, "third.weight").length;
    const mask = float32(
      [12, 8, 1, 1],
      Float32Array.from({ length: size }, (_, i) => (i % 4 < 2 ? 1 : 0)),
    );
    const trained = (await train(graph, data, { ...quick, steps: 5, masks: new Map([["third.weight", mask]]) })).graph;
    const weight = constant(trained, "third.weight");
    expect(weight.every((value, i) => (mask.data[i] === 0 ? value === 0 : value !== 0))).toBe(true);
    expect(weight).not.toEqual(constant(graph, "third.weight"));
  });

  it("refuses a mask for a weight that is not there", async () => {
    const masks = new Map([["nowhere", float32([1], [1])]]);
    await expect(train(tinyClassifier(), data, { ...quick, steps: 1, masks })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining('"nowhere"'),
    });
  });

  it("refuses a mask of another shape", async () => {
    const masks = new Map([["third.weight", float32([12, 8], new Float32Array(96))]]);
    await expect(train(tinyClassifier(), data, { ...quick, steps: 1, masks })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("[12, 8, 1, 1]"),
    });
  });

  it("leaves frozen weights alone", async () => {
    const graph = tinyClassifier();
    const frozen = new Set(["first.weight", "first.bn.scale"]);
    const trained = (await train(graph, data, { ...quick, steps: 3, frozen })).graph;
    for (const name of frozen) expect(constant(trained, name)).toEqual(constant(graph, name));
    expect(constant(trained, "second.weight")).not.toEqual(constant(graph, "second.weight"));
  });

  it("keeps batch norms in inference form when they are frozen", async () => {
    const graph = tinyClassifier();
    const trained = (await train(graph, data, { ...quick, steps: 3, batchNorm: "frozen" })).graph;
    expect(constant(trained, "first.bn.mean")).toEqual(constant(graph, "first.bn.mean"));
    expect(constant(trained, "first.weight")).not.toEqual(constant(graph, "first.weight"));
  });

  it("refuses to train nothing", async () => {
    const graph = tinyClassifier();
    const frozen = new Set(trainableConstants(graph).map((id) => valueById(graph, id).name));
    await expect(train(graph, data, { ...quick, steps: 1, frozen })).rejects.toMatchObject({ code: "usage" });
  });

  it("trains through a final softmax as through logits", async () => {
    const logits = await train(tinyClassifier(), data, { ...quick, steps: 4 });
    const softmax = await train(tinyClassifier(1, { softmax: true }), data, { ...quick, steps: 4 });
    expect(softmax.history).toEqual(logits.history);
    const [a, b] = [await evaluate(logits.graph, data), await evaluate(softmax.graph, data)];
    expect(b.accuracy).toBe(a.accuracy);
    expect(b.loss).toBeCloseTo(a.loss, 4);
  });

  it("imitates a teacher", async () => {
    const teacher = (await train(tinyClassifier(2), data, { ...quick, epochs: 10 })).graph;
    const distance = async (graph: ReturnType<typeof tinyClassifier>) => {
      const [a, b] = [await evaluate(graph, data), await evaluate(teacher, data)];
      return a.scores.data.reduce((sum, value, i) => sum + (value - b.scores.data[i]!) ** 2, 0) / data.length;
    };
    const options = { ...quick, epochs: 20 };
    const alone = await train(tinyClassifier(), data, options);
    const taught = await train(tinyClassifier(), data, {
      ...options,
      teacher: { graph: teacher, weight: 1, temperature: 2 },
    });
    expect(await distance(taught.graph)).toBeLessThan(0.5 * (await distance(alone.graph)));
    // A pupil that already is its teacher has nothing to learn.
    const same = await train(teacher, data, {
      ...quick,
      steps: 1,
      batchNorm: "frozen",
      teacher: { graph: teacher, weight: 1 },
    });
    expect(Math.abs(same.history[0]!.loss)).toBeLessThan(1e-5);
  });

  it("stops with a remedy when the loss stops being a number", async () => {
    const run = train(tinyClassifier(), data, { ...quick, steps: 50, schedule: { kind: "constant", rate: 1e30 } });
    await expect(run).rejects.toMatchObject({
      code: "runtime",
      message: expect.stringMatching(/loss became (NaN|Infinity) at step \d+, with learning rate 1e\+30/),
      hint: expect.stringContaining("learning rate"),
    });
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const onProgress = ({ step }: { step: number }) => {
      if (step === 3) controller.abort();
    };
    const run = train(tinyClassifier(), data, { ...quick, steps: 50, onProgress, signal: controller.signal });
    await expect(run).rejects.toMatchObject({ message: "Training was cancelled at step 3" });
  });

  it("refuses data that do not fit the model", async () => {
    const wide = { ...data, labels: data.labels.map((label) => label + 1) };
    await expect(train(tinyClassifier(), wide, quick)).rejects.toMatchObject({
      code: "input",
      message: "The model has 4 classes, the data set has label 4",
    });
    const large = { ...data, sampleShape: [3, 8, 8] };
    await expect(train(tinyClassifier(), large, quick)).rejects.toMatchObject({
      code: "input",
      message: "The model takes samples of shape [1, 8, 8], the data set has [3, 8, 8]",
    });
    await expect(train(tinyClassifier(), stripes(0), quick)).rejects.toMatchObject({
      message: "The data set is empty",
    });
  });

  it("goes through all samples in an epoch", async () => {
    const seen: number[] = [];
    const spy = {
      ...data,
      batch: (indices: ArrayLike<number>) => {
        seen.push(...Array.from(indices));
        return data.batch(indices);
      },
    };
    const { history } = await train(tinyClassifier(), spy, { ...quick, epochs: 2 });
    expect([...seen.slice(0, 64)].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(seen.slice(0, 64)).not.toEqual(seen.slice(64));
    expect(history.map(({ epoch, steps }) => [epoch, steps])).toEqual([
      [0, 4],
      [1, 4],
    ]);
  });
});
