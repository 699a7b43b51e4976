import { describe, expect, it } from "vitest";
import { type Graph, hashGraph } from "../../../src/ir/index.ts";
import { editGraph, newBuilder } from "../../../src/ops/index.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";
import { evaluate, frozenByPatterns, train, trainingGraph } from "../../../src/train/index.ts";
import { trainables } from "../../../src/train/trainables.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const data = stripes(64);
const plain = {
  threads: 1,
  optimiser: { kind: "sgd", momentum: 0, weightDecay: 0 },
  schedule: { kind: "constant", rate: 0.1 },
} as const;

const random = seededRandom(4, "updates");
const drawn = (...shape: number[]) =>
  float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * random.normal()),
  );

const WEIGHTS = [drawn(64, 8), drawn(8), drawn(8, 4)] as const;

/** Without batch norm: two matrix products with a PReLU between. */
function perceptron(batch: number | "N" = "N"): Graph {
  const b = newBuilder("mlp");
  const x = b.input("x", { dtype: "float32", shape: [batch, 1, 8, 8] });
  const hidden = b.node("Gemm", [b.node("Flatten", [x]), b.constant("w", WEIGHTS[0]), b.constant("bias", WEIGHTS[1])]);
  const bent = b.node("PRelu", [hidden, b.constant("slope", float32([1, 8], new Float32Array(8).fill(0.1)))]);
  b.output(b.node("MatMul", [bent, b.constant("v", WEIGHTS[2])]));
  return b.build();
}

function constants(graph: Graph): Map<string, Float32Array> {
  return new Map(
    [...graph.values.values()].flatMap(({ name, data: own }) =>
      own?.dtype === "float32" ? [[name, own.data as Float32Array]] : [],
    ),
  );
}

function distance(a: Graph, b: Graph): number {
  const other = constants(b);
  let most = 0;
  for (const [name, values] of constants(a))
    values.forEach((value, i) => {
      most = Math.max(most, Math.abs(value - other.get(name)![i]!));
    });
  return most;
}

describe("accumulation", () => {
  it.each([1, 2, 4])("of %i batches makes the update of one large batch", async (accumulate) => {
    const options = { ...plain, optimiser: { kind: "adam" }, clip: { norm: 0.5 }, ema: 0.9, steps: 3 } as const;
    const large = await train(perceptron(), data, { ...options, batch: 16 });
    const small = await train(perceptron(), data, { ...options, batch: 16 / accumulate, accumulate });
    expect(distance(small.graph, large.graph)).toBeLessThan(1e-5);
    expect(small.history[0]!.loss).toBeCloseTo(large.history[0]!.loss, 5);
    expect(small.history[0]!.steps).toBe(3);
    expect(distance(large.graph, perceptron())).toBeGreaterThan(1e-3);
  });

  it("takes batch statistics by batch, and learns", async () => {
    const { graph } = await train(tinyClassifier(), data, {
      ...plain,
      optimiser: { kind: "sgd" },
      schedule: { kind: "constant", rate: 0.05 },
      epochs: 30,
      batch: 8,
      accumulate: 2,
    });
    expect((await evaluate(graph, data, { threads: 1 })).accuracy).toBeGreaterThan(0.9);
  });

  it("refuses more batches than there are samples", async () => {
    await expect(train(perceptron(), data, { ...plain, accumulate: 65 })).rejects.toThrow(/65 batches of 64 samples/);
    await expect(train(perceptron(), data, { ...plain, accumulate: 1.5 })).rejects.toThrow(/1.5 batches/);
  });
});

describe("clipping", () => {
  /** How far one step of rate 1 moves each weight: the gradient. */
  async function gradient(clip: { norm?: number; value?: number }): Promise<number[]> {
    const { graph } = await train(perceptron(), data, {
      ...plain,
      schedule: { kind: "constant", rate: 1 },
      steps: 1,
      batch: 64,
      clip,
    });
    const after = constants(graph);
    return [...constants(perceptron())].flatMap(([name, values]) =>
      Array.from(values, (value, i) => value - after.get(name)![i]!),
    );
  }
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));

  it("by norm scales all gradients together, and leaves small ones", async () => {
    const free = await gradient({});
    const whole = norm(free);
    expect(whole).toBeGreaterThan(0.1);
    const clipped = await gradient({ norm: whole / 4 });
    expect(norm(clipped)).toBeCloseTo(whole / 4, 4);
    clipped.forEach((value, i) => {
      expect(value).toBeCloseTo(free[i]! / 4, 5);
    });
    const loose = await gradient({ norm: 2 * whole });
    loose.forEach((value, i) => {
      expect(value).toBeCloseTo(free[i]!, 6);
    });
  });

  it("by value bounds each element", async () => {
    const free = await gradient({});
    const bounded = await gradient({ value: 0.01 });
    bounded.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.max(-0.01, Math.min(0.01, free[i]!)), 6);
    });
    await expect(gradient({ norm: 0 })).rejects.toThrow("Gradients cannot be clipped to 0");
  });
});

describe("the moving average", () => {
  it("is what comes out: d average + (1 - d) weight at each step, d rising to the decay", async () => {
    const options = { ...plain, batch: 64 };
    const at = async (steps: number) =>
      constants((await train(perceptron(), data, { ...options, steps })).graph).get("v")!;
    const path = [constants(perceptron()).get("v")!, await at(1), await at(2), await at(3)];
    const averaged = constants((await train(perceptron(), data, { ...options, steps: 3, ema: 0.22 })).graph).get("v")!;
    averaged.forEach((value, i) => {
      let expected = path[0]![i]!;
      for (let t = 1; t <= 3; t++) {
        const decay = Math.min(0.22, (1 + t) / (10 + t));
        expected = decay * expected + (1 - decay) * path[t]![i]!;
      }
      expect(value).toBeCloseTo(expected, 5);
    });
  });

  it("takes running statistics along, and refuses a decay of 1", async () => {
    const { graph } = await train(tinyClassifier(), data, { ...plain, steps: 1, batch: 64, ema: 0.5 });
    const raw = await train(tinyClassifier(), data, { ...plain, steps: 1, batch: 64 });
    const [before, now, average] = [tinyClassifier(), raw.graph, graph].map((g) => constants(g).get("first.bn.mean")!);
    average!.forEach((value, i) => {
      expect(value).toBeCloseTo((2 / 11) * before![i]! + (9 / 11) * now![i]!, 6);
    });
    await expect(train(perceptron(), data, { ...plain, ema: 1 })).rejects.toThrow(/decay 1/);
  });
});

describe("weight decay", () => {
  it("pulls at weights of contractions only", () => {
    const builder = newBuilder("all");
    const x = builder.input("x", { dtype: "float32", shape: ["N", 2, 4, 4] });
    const vector = (name: string, ...shape: number[]) =>
      builder.constant(name, float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1)));
    let y = builder.node("Conv", [x, vector("conv", 4, 2, 1, 1), vector("conv.bias", 4)]);
    y = builder.node("BatchNormalization", [
      y,
      vector("scale", 4),
      vector("shift", 4),
      vector("mean", 4),
      vector("var", 4),
    ]);
    y = builder.node("PRelu", [y, vector("slope", 4, 1, 1)]);
    y = builder.node("LayerNormalization", [y, vector("ln.scale", 4, 4), vector("ln.shift", 4, 4)]);
    y = builder.node("MatMul", [builder.node("Flatten", [y]), vector("fc", 64, 3)]);
    builder.output(builder.node("Add", [y, vector("fc.bias", 1, 3)]));
    const graph = builder.build();
    const names = new Map(trainables(graph).map(({ id, decays }) => [graph.values.get(id)!.name, decays]));
    expect(Object.fromEntries(names)).toEqual({
      conv: true,
      "conv.bias": false,
      scale: false,
      shift: false,
      slope: false,
      "ln.scale": false,
      "ln.shift": false,
      fc: true,
      "fc.bias": false,
    });
  });

  it("shrinks exactly those when there is nothing to learn", async () => {
    const losses = [{ kind: "mse", weight: 0 }] as const;
    const rows = {
      ...data,
      targets: (indices: ArrayLike<number>) => ({
        MatMul: float32([indices.length, 4], new Float32Array(4 * indices.length)),
      }),
    };
    const { graph } = await train(perceptron(), rows, {
      ...plain,
      optimiser: { kind: "sgd", momentum: 0, weightDecay: 0.5 },
      steps: 1,
      losses,
    });
    const after = constants(graph);
    for (const [name, values] of constants(perceptron()))
      values.forEach((value, i) => {
        expect(after.get(name)![i]).toBeCloseTo(name === "w" || name === "v" ? 0.95 * value : value, 6);
      });
  });
});

describe("freezing by patterns", () => {
  it("keeps what matches, and a batch norm whose scale and shift both match in its inference form", async () => {
    const frozen = frozenByPatterns(tinyClassifier(), ["first.*", "*.bn.bias"]);
    expect([...frozen].sort()).toEqual(
      expect.arrayContaining(["first.weight", "first.bn.scale", "first.bn.bias", "second.bn.bias"]),
    );
    const { graph } = await train(tinyClassifier(), data, { ...plain, steps: 2, batch: 16, frozen });
    const [before, after] = [constants(tinyClassifier()), constants(graph)];
    for (const [name, values] of before) {
      const stays = frozen.has(name) || name.startsWith("first.");
      expect(
        after.get(name)!.every((value, i) => value === values[i]),
        name,
      ).toBe(stays || values.length === 1);
    }
  });

  it("refuses a pattern that matches nothing", () => {
    expect(() => frozenByPatterns(tinyClassifier(), ["frist.weight"])).toThrow(
      'No trainable weight is called "frist.weight"',
    );
  });
});

describe("the batch", () => {
  it("may be 1", async () => {
    const { history } = await train(perceptron(), data, {
      ...plain,
      schedule: { kind: "constant", rate: 0.02 },
      epochs: 4,
      batch: 1,
    });
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
  });

  it("fixed by the inputs alone is freed for training, and stays as it is in the result", async () => {
    const fixed = perceptron(1);
    const { graph } = await train(fixed, data, { ...plain, steps: 2, batch: 16 });
    expect(graph.values.get(graph.inputs[0]!)!.type.shape[0]).toBe(1);
    const free = await train(perceptron(), data, { ...plain, steps: 2, batch: 16 });
    expect(distance(graph, free.graph)).toBe(0);
  });

  it("fixed by a Reshape is refused with the reason, and trains at its own size", async () => {
    const b = newBuilder("fixed");
    const x = b.input("x", { dtype: "float32", shape: [1, 1, 8, 8] });
    const flat = b.node("Reshape", [
      x,
      b.constant("to", { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 64n) }),
    ]);
    b.output(b.node("MatMul", [flat, b.constant("w", drawn(64, 4))]));
    const graph = b.build();
    await expect(train(graph, data, { ...plain, batch: 16 })).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("The batch of this model is fixed at 1, and cannot be 16"),
      hint: expect.stringContaining("--batch 1"),
    });
    const { history } = await train(graph, data, {
      ...plain,
      schedule: { kind: "constant", rate: 0.02 },
      epochs: 2,
      batch: 1,
      validation: { data },
    });
    expect(history[1]!.validation!.loss).toBeLessThan(history[0]!.loss);
  });
});

it("a training graph with accumulation makes its update in a graph of its own", () => {
  const training = trainingGraph(perceptron(), { batch: 4, accumulate: 3, optimiser: { kind: "sgd" } });
  expect(training.update!.nodes.some(({ op }) => op === "MatMul")).toBe(false);
  expect(training.state.map(({ role }) => role).sort()).toEqual([
    "accumulator",
    "accumulator",
    "accumulator",
    "accumulator",
    "slot",
    "slot",
    "slot",
    "slot",
    "weight",
    "weight",
    "weight",
    "weight",
  ]);
  expect(hashGraph(editGraph(training.graph).build())).toBe(hashGraph(training.graph));
});
