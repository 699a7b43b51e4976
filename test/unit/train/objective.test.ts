import { describe, expect, it } from "vitest";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";
import { type TrainingData, train } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const random = seededRandom(1, "objective");
const drawn = (...shape: number[]) =>
  float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * random.normal()),
  );

/** Two heads on one hidden layer: class scores and a number, the number through a Sigmoid on request. */
function twoHeads(sigmoid = false): Graph {
  const b = newBuilder("two");
  const x = b.input("x", { dtype: "float32", shape: ["N", 1, 8, 8] });
  const hidden = b.node("Relu", [b.node("Gemm", [b.node("Flatten", [x]), b.constant("w", drawn(64, 12))])]);
  const classes = b.node("Gemm", [hidden, b.constant("wc", drawn(12, 4))], {}, { outputNames: ["classes"] });
  const plain = b.node("Gemm", [hidden, b.constant("wn", drawn(12, 1)), b.constant("bn", float32([1], [0]))]);
  b.output(classes);
  b.output(
    sigmoid
      ? b.node("Sigmoid", [plain], {}, { outputNames: ["number"] })
      : b.node("Mul", [plain, b.constant("two", float32([], [2]))], {}, { outputNames: ["number"] }),
  );
  return b.build();
}

/** An auto-encoder of 8x8 images with 16 numbers in the middle. */
function autoEncoder(): Graph {
  const b = newBuilder("auto");
  const x = b.input("x", { dtype: "float32", shape: ["N", 1, 8, 8] });
  const code = b.node("Gemm", [b.node("Flatten", [x]), b.constant("w", drawn(64, 16))]);
  const back = b.node("Gemm", [code, b.constant("v", drawn(16, 64))]);
  b.output(
    b.node("Reshape", [
      back,
      b.constant("shape", { dtype: "int64", shape: [4], data: BigInt64Array.of(0n, 1n, 8n, 8n) }),
    ]),
  );
  return b.build();
}

const data = stripes(64);
const quick = {
  batch: 16,
  threads: 1,
  schedule: { kind: "constant", rate: 0.01 },
  optimiser: { kind: "adam" },
} as const;

async function outputs(graph: Graph, of: TrainingData, name: string): Promise<Float32Array> {
  const indices = Array.from({ length: of.length }, (_, i) => i);
  return (await runOnce(graph, { x: of.batch(indices) }))[name]!.data as Float32Array;
}

describe("several losses", () => {
  it("trains two outputs, one by labels and one by targets of its own", async () => {
    /** Brightness of the first pixel's row: something a linear layer can read off. */
    const brightness = (index: number) => {
      const row = data.batch([index]).data.subarray(0, 8);
      return row.reduce((a, b) => a + b, 0) / 8;
    };
    const both: TrainingData = {
      ...data,
      targets: (indices) => ({ number: float32([indices.length, 1], Array.from(indices, brightness)) }),
    };
    const losses = [
      { output: "classes", kind: "cross-entropy" },
      { output: "number", kind: "mse", weight: 2 },
    ] as const;
    const { graph, history } = await train(twoHeads(), both, { ...quick, epochs: 40, losses });
    expect(history.at(-1)!.accuracy).toBeGreaterThan(0.95);
    const numbers = await outputs(graph, data, "number");
    const error = numbers.reduce((sum, value, i) => sum + (value - brightness(i)) ** 2, 0) / 64;
    expect(error).toBeLessThan(0.02);
  });

  it("weighs them: a loss of weight 0 teaches nothing", async () => {
    const losses = [
      { output: "classes", kind: "cross-entropy" },
      { output: "number", kind: "huber", weight: 0 },
    ] as const;
    const { graph } = await train(twoHeads(), data, { ...quick, steps: 3, losses });
    const constant = (name: string) => [...graph.values.values()].find((value) => value.name === name)!.data!.data;
    const original = [...twoHeads().values.values()];
    expect(constant("bn")[0]).toBe(0);
    expect(constant("wc")).not.toEqual(original.find(({ name }) => name === "wc")!.data!.data);
  });

  it("trains a Sigmoid by binary cross-entropy through its logit", async () => {
    const binary = { ...data, labels: data.labels.map((label) => label & 1) };
    const losses = [{ output: "number", kind: "binary-cross-entropy" }] as const;
    const { graph, history } = await train(twoHeads(true), binary, { ...quick, epochs: 30, losses });
    expect(history[0]!.accuracy).toBeNull();
    const numbers = await outputs(graph, data, "number");
    const right = numbers.filter((value, i) => value > 0.5 === (binary.labels[i] === 1)).length;
    expect(right / 64).toBeGreaterThan(0.95);
  });

  it("trains an auto-encoder on its own samples, which need no labels", async () => {
    const unlabelled = { ...data, labels: data.labels.map(() => 999) };
    const losses = [{ kind: "mse", target: "samples" }] as const;
    const { history } = await train(autoEncoder(), unlabelled, { ...quick, epochs: 30, losses });
    expect(history.at(-1)!.loss).toBeLessThan(0.3 * history[0]!.loss);
  });

  it("refuses what does not fit, naming it", async () => {
    const run = (losses: Parameters<typeof train>[2] & object, of: TrainingData = data) =>
      train(twoHeads(), of, { ...quick, steps: 1, ...losses });
    await expect(run({})).rejects.toThrow(/one output is needed, this one has 1 and 2/);
    await expect(run({ losses: [{ kind: "mse" }] })).rejects.toThrow(/which of the 2 outputs/);
    await expect(run({ losses: [{ output: "clases", kind: "mse" }] })).rejects.toMatchObject({
      hint: expect.stringContaining('Did you mean "classes"?'),
    });
    await expect(run({ losses: [{ output: "classes", kind: "mse", weight: -1 }] })).rejects.toThrow(/weight -1/);
    await expect(run({ losses: [{ output: "number", kind: "binary-cross-entropy" }] })).rejects.toThrow(
      /Output "number" has 1 value a sample, the data set has label [23]/,
    );
    const wrong = {
      ...data,
      targets: (indices: ArrayLike<number>) => ({
        number: float32([indices.length], new Float32Array(indices.length)),
      }),
    };
    await expect(run({ losses: [{ output: "number", kind: "mse" }] }, wrong)).rejects.toThrow(
      /must be float32\[16, 1\], they are float32\[16\]/,
    );
    await expect(run({ losses: [{ output: "number", kind: "mse", target: "samples" }] })).rejects.toThrow(
      /the samples' is/,
    );
  });

  it("refuses a model with two inputs", async () => {
    const b = newBuilder("two inputs");
    const type = { dtype: "float32", shape: ["N", 4] } as const;
    b.output(b.node("Gemm", [b.node("Add", [b.input("a", type), b.input("b", type)]), b.constant("w", drawn(4, 4))]));
    const run = train(b.build(), data, { losses: [{ kind: "mse" }] });
    await expect(run).rejects.toThrow("Only models with one input are trained, this one has 2");
  });
});

describe("mix-up", () => {
  it("is deterministic, mixes samples and targets, and still learns", async () => {
    const options = {
      batch: 16,
      threads: 1,
      epochs: 12,
      mixUp: 0.2,
      schedule: { kind: "constant", rate: 0.05 },
    } as const;
    const [a, b] = [await train(tinyClassifier(), data, options), await train(tinyClassifier(), data, options)];
    expect(a.history).toEqual(b.history);
    const plain = await train(tinyClassifier(), data, { ...options, mixUp: 0 });
    expect(a.history[0]!.loss).not.toBe(plain.history[0]!.loss);
    expect(a.history.at(-1)!.loss).toBeLessThan(0.6 * a.history[0]!.loss);
  });
});
