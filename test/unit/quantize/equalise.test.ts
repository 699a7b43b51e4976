import { describe, expect, it } from "vitest";
import { dsCnn } from "../../../src/architectures/index.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { newBuilder, validateGraph } from "../../../src/ops/index.ts";
import { deployPipeline, runPasses } from "../../../src/passes/index.ts";
import {
  channelMeansFrom,
  equalise,
  MCU_SCHEME,
  observe,
  quantizeGraph,
  rangesFrom,
} from "../../../src/quantize/index.ts";
import { openOrt, runOnce } from "../../../src/runtimes/index.ts";
import { float32, seededRandom, sizeOf, type Tensor, toNumbers } from "../../../src/tensor/index.ts";

function noise(seed: number, shape: readonly number[], scaleOf = (_: number) => 1): Tensor<"float32"> {
  const random = seededRandom(seed, "noise");
  const inner = sizeOf(shape.slice(1));
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => random.normal() * scaleOf(Math.floor(i / inner))),
  );
}

/** conv - relu - depthwise (multiplier 2) - leaky - conv - average - gemm, with channels of very different scale in the first. */
function uneven(): Graph {
  const b = newBuilder("uneven");
  const x = b.input("x", { dtype: "float32", shape: ["N", 3, 6, 6] });
  const wild = (channel: number) => 10 ** ((channel % 5) - 2);
  const first = b.node(
    "Conv",
    [x, b.constant("w1", noise(1, [8, 3, 3, 3], wild)), b.constant("b1", noise(2, [8], wild))],
    {},
    { name: "first" },
  );
  const wide = b.node(
    "Conv",
    [
      b.node("Relu", [first]),
      b.constant(
        "w2",
        noise(3, [16, 1, 3, 3], (c) => 1 / wild(c >> 1)),
      ),
    ],
    { group: 8 },
    { name: "depthwise" },
  );
  const last = b.node(
    "Conv",
    [b.node("LeakyRelu", [wide]), b.constant("w3", noise(4, [5, 16, 1, 1]))],
    {},
    { name: "last" },
  );
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [last])]);
  b.output(
    b.node(
      "Gemm",
      [flat, b.constant("w4", noise(5, [5, 4])), b.constant("b4", noise(6, [4]))],
      {},
      { name: "fc", outputNames: ["y"] },
    ),
  );
  return b.build();
}

const feeds = { x: noise(9, [16, 3, 6, 6]) };

async function rootMeanSquare(a: Graph, b: Graph): Promise<number> {
  const [left, right] = [await runOnce(a, feeds), await runOnce(b, feeds)];
  const other = toNumbers(right.y!);
  const squares = toNumbers(left.y!).map((value, i) => (value - other[i]!) ** 2);
  return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
}

async function perTensor(graph: Graph): Promise<Graph> {
  const scheme = { ...MCU_SCHEME, convolution: "per-tensor" as const };
  return quantizeGraph(graph, rangesFrom(await observe(graph, [feeds.x], { open: openOrt, scheme })), scheme);
}

/** Largest magnitude of each channel of a weight [O, I, ...], along outputs or inputs. */
function peaks(graph: Graph, name: string, axis: 0 | 1): number[] {
  const data = [...graph.values.values()].find((value) => value.name === name)!.data!;
  const inner = sizeOf(data.shape.slice(2));
  const result = new Array<number>(data.shape[axis]!).fill(0);
  toNumbers(data).forEach((value, i) => {
    const channel = axis === 0 ? Math.floor(i / (inner * data.shape[1]!)) : Math.floor(i / inner) % data.shape[1]!;
    result[channel] = Math.max(result[channel]!, Math.abs(value));
  });
  return result;
}

describe("equalise", () => {
  it("computes the same function", async () => {
    const graph = uneven();
    const equal = equalise(graph);
    validateGraph(equal);
    const { y } = await runOnce(graph, feeds);
    const largest = Math.max(...toNumbers(y!).map(Math.abs));
    expect(await rootMeanSquare(graph, equal)).toBeLessThan(1e-5 * largest);
    expect(equal.values).not.toBe(graph.values);
  });

  it("gives consecutive layers the same range in each channel", () => {
    const equal = equalise(uneven());
    const outgoing = peaks(equal, "w2", 0);
    const incoming = peaks(equal, "w3", 1);
    outgoing.forEach((value, channel) => {
      expect(value / incoming[channel]!).toBeGreaterThan(0.98);
      expect(value / incoming[channel]!).toBeLessThan(1.02);
    });
  });

  it("lets one scale serve all channels of a badly scaled network", async () => {
    const graph = uneven();
    const plain = await rootMeanSquare(graph, await perTensor(graph));
    const equal = await rootMeanSquare(graph, await perTensor(equalise(graph)));
    expect(equal).toBeLessThan(plain / 3);
  });

  it("computes the same function on the DS-CNN", async () => {
    const graph = runPasses(dsCnn(3), deployPipeline);
    const input = { input: noise(4, [2, 1, 28, 28]) };
    const [a, b] = [await runOnce(graph, input), await runOnce(equalise(graph), input)];
    const other = toNumbers(b.logits!);
    const difference = Math.max(...toNumbers(a.logits!).map((value, i) => Math.abs(value - other[i]!)));
    expect(difference).toBeLessThan(1e-4);
  });

  it("leaves alone what it may not scale: a shared value, a Clip, a tied weight", () => {
    const b = newBuilder("fixed");
    const x = b.input("x", { dtype: "float32", shape: ["N", 4, 3, 3] });
    const w = b.constant("w", noise(1, [4, 4, 1, 1]));
    const clipped = b.node("Clip", [
      b.node("Conv", [x, b.constant("v", noise(2, [4, 4, 1, 1]))]),
      b.constant("low", float32([], [0])),
      b.constant("high", float32([], [6])),
    ]);
    const tied = b.node("Conv", [b.node("Conv", [clipped, w]), w]);
    b.output(tied);
    b.output(b.node("Conv", [tied, b.constant("u", noise(3, [4, 4, 1, 1]))]));
    const graph = b.build();
    expect(equalise(graph)).toBe(graph);
  });
});

describe("bias correction", () => {
  it("takes out the mean error that rounding the weights causes", async () => {
    const graph = uneven();
    const scheme = { ...MCU_SCHEME, convolution: "per-tensor" as const };
    const seen = await observe(graph, [feeds.x], { open: openOrt, scheme });

    const means = channelMeansFrom(seen);
    const name = valueById(graph, graph.inputs[0]!).name;
    const direct = Array.from({ length: 3 }, (_, c) => {
      let sum = 0;
      for (let n = 0; n < 16; n++) for (let i = 0; i < 36; i++) sum += feeds.x.data[(n * 3 + c) * 36 + i]!;
      return sum / (16 * 36);
    });
    direct.forEach((mean, c) => {
      expect(means.get(name)![c]).toBeCloseTo(mean, 6);
    });
    const plain = quantizeGraph(graph, rangesFrom(seen), scheme);
    const corrected = quantizeGraph(graph, rangesFrom(seen), scheme, { channelMeans: means });
    validateGraph(corrected);
    expect(await rootMeanSquare(graph, corrected)).toBeLessThan(await rootMeanSquare(graph, plain));
  });
});
