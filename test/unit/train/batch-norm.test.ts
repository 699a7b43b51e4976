import { describe, expect, it } from "vitest";
import { type Graph, hashGraph } from "../../../src/ir/index.ts";
import { editGraph, newBuilder } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32, seededRandom, type Tensor } from "../../../src/tensor/index.ts";
import { useBatchStatistics } from "../../../src/train/batch-norm.ts";
import { addGradients, evaluate, reestimateBatchNorm, train } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const SHAPE = [4, 3, 2, 5] as const;

function drawn(size: number, label: string, offset = 0): Float32Array {
  const random = seededRandom(2, label);
  return Float32Array.from({ length: size }, () => offset + random.normal());
}

/** y = batch norm of x over the batch, the loss sum(y * seed), and its gradients by x, scale and bias. */
function normalisation(): Graph {
  const builder = newBuilder("bn");
  const x = builder.input("x", { dtype: "float32", shape: SHAPE });
  const vector = { dtype: "float32", shape: [3] } as const;
  const scale = builder.input("scale", vector);
  const bias = builder.input("bias", vector);
  const mean = builder.constant("mean", float32([3], [9, 9, 9]));
  const variance = builder.constant("var", float32([3], [7, 7, 7]));
  builder.output(builder.node("BatchNormalization", [x, scale, bias, mean, variance], { epsilon: 1e-3 }));
  const plain = builder.build();
  const training = editGraph(plain);
  const { composites, measured } = useBatchStatistics(training, plain);
  const y = training.currentOutputs[0]!;
  const seed = training.constant("seed", float32(SHAPE, drawn(120, "seed")));
  const gradients = addGradients(training, y, [x, scale, bias], { seed, composites });
  training.setOutputs([y, ...measured[0]!.values, ...gradients.map((id) => id!)]);
  return training.build();
}

async function outputsOf(feeds: Record<string, Tensor>): Promise<Float32Array[]> {
  const graph = normalisation();
  const results = await runOnce(graph, feeds);
  return graph.outputs.map((id) => results[graph.values.get(id)!.name]!.data as Float32Array);
}

/** Mean and biased variance of each channel of [n, channels, area]. */
function naiveStatistics(
  x: Float32Array,
  n: number,
  channels: number,
  area: number,
): { mean: number[]; variance: number[] } {
  const over = (c: number) => {
    const values: number[] = [];
    for (let i = 0; i < n; i++) values.push(...x.subarray((i * channels + c) * area, (i * channels + c + 1) * area));
    const mean = values.reduce((a, b) => a + b) / values.length;
    return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
  };
  const all = Array.from({ length: channels }, (_, c) => over(c));
  return { mean: all.map((s) => s.mean), variance: all.map((s) => s.variance) };
}

describe("batch normalisation over the batch", () => {
  const feeds = () => ({
    x: float32(SHAPE, drawn(120, "x", 2)),
    scale: float32([3], [0.5, -1.2, 2]),
    bias: float32([3], [0.1, 0, -0.4]),
  });

  it("agrees with a naive computation", async () => {
    const given = feeds();
    const [y, mean, variance] = await outputsOf(given);
    const naive = naiveStatistics(given.x.data, 4, 3, 10);
    naive.mean.forEach((value, c) => {
      expect(mean![c]).toBeCloseTo(value, 5);
      expect(variance![c]).toBeCloseTo(naive.variance[c]!, 5);
    });
    given.x.data.forEach((value, i) => {
      const c = Math.floor(i / 10) % 3;
      const expected =
        (given.scale.data[c]! * (value - naive.mean[c]!)) / Math.sqrt(naive.variance[c]! + 1e-3) + given.bias.data[c]!;
      expect(y![i]).toBeCloseTo(expected, 4);
    });
  });

  it.each(["x", "scale", "bias"] as const)("has the gradient of its difference quotient by %s", async (name) => {
    const given = feeds();
    const seed = drawn(120, "seed");
    const direction = drawn(given[name].data.length, `direction/${name}`);
    const at = async (step: number) => {
      const moved = float32(
        given[name].shape,
        given[name].data.map((value, i) => value + step * direction[i]!),
      );
      const [y] = await outputsOf({ ...given, [name]: moved });
      return y!.reduce((sum, value, i) => sum + value * seed[i]!, 0);
    };
    const numeric = ((await at(1e-2)) - (await at(-1e-2))) / 2e-2;
    const gradient = (await outputsOf(given))[3 + ["x", "scale", "bias"].indexOf(name)]!;
    const analytic = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
    expect(Math.abs(analytic - numeric) / Math.max(1, Math.abs(numeric))).toBeLessThan(2e-3);
  });
});

/** A model whose only batch norm sees the samples themselves. */
function onSamples(): Graph {
  const builder = newBuilder("samples");
  const x = builder.input("input", { dtype: "float32", shape: ["N", 1, 8, 8] });
  const one = (name: string, value: number) => builder.constant(name, float32([1], [value]));
  const y = builder.node("BatchNormalization", [x, one("scale", 1), one("bias", 0), one("mean", 5), one("var", 3)]);
  const flat = builder.node("Flatten", [y]);
  const weight = builder.constant("weight", float32([4, 64], drawn(256, "weight")));
  builder.output(builder.node("Gemm", [flat, weight], { transB: 1 }));
  return builder.build();
}

function constant(graph: Graph, name: string): number {
  return ([...graph.values.values()].find((value) => value.name === name)!.data!.data as Float32Array)[0]!;
}

describe("running statistics", () => {
  const data = stripes(64);
  const samples = data.batch(Array.from({ length: 64 }, (_, i) => i)).data;
  const naive = naiveStatistics(samples, 64, 1, 64);

  it("re-estimation over all batches gives the statistics of the data", async () => {
    const graph = await reestimateBatchNorm(onSamples(), data, { batches: 4, batch: 16, threads: 1 });
    expect(constant(graph, "mean")).toBeCloseTo(naive.mean[0]!, 5);
    expect(constant(graph, "var")).toBeCloseTo(naive.variance[0]!, 5);
    expect(constant(graph, "scale")).toBe(1);
  });

  it("a training step moves them by one tenth", async () => {
    const { graph } = await train(onSamples(), data, { steps: 1, batch: 64, threads: 1 });
    expect(constant(graph, "mean")).toBeCloseTo(0.9 * 5 + 0.1 * naive.mean[0]!, 5);
    expect(constant(graph, "var")).toBeCloseTo(0.9 * 3 + 0.1 * naive.variance[0]!, 5);
  });

  it("re-estimation repairs statistics that do not fit", async () => {
    const { graph } = await train(tinyClassifier(), data, { epochs: 15, batch: 16, threads: 1 });
    const builder = editGraph(graph);
    for (const { id, name, data: own } of graph.values.values())
      if (name.endsWith("bn.mean"))
        builder.setConstant(id, float32(own!.shape, new Float32Array(own!.data.length).fill(3)));
    const broken = builder.build();
    const repaired = await reestimateBatchNorm(broken, data, { threads: 1, batch: 64 });
    const [good, bad, again] = await Promise.all(
      [graph, broken, repaired].map((g) => evaluate(g, data, { threads: 1 })),
    );
    expect(bad!.accuracy).toBeLessThan(0.6);
    expect(again!.accuracy).toBeGreaterThanOrEqual(good!.accuracy - 0.05);
  });

  it("a graph without batch normalisation stays", async () => {
    const builder = newBuilder("plain");
    const x = builder.input("input", { dtype: "float32", shape: ["N", 1, 8, 8] });
    builder.output(
      builder.node("Gemm", [builder.node("Flatten", [x]), builder.constant("w", float32([64, 4], drawn(256, "w")))]),
    );
    const graph = builder.build();
    expect(hashGraph(await reestimateBatchNorm(graph, data))).toBe(hashGraph(graph));
  });
});
