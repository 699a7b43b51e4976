import { describe, expect, it } from "vitest";
import { type Graph, printGraph, valueById } from "../../../src/ir/index.ts";
import { newBuilder, validateGraph } from "../../../src/ops/index.ts";
import {
  calibrate,
  MCU_SCHEME,
  MOBILE_SCHEME,
  observe,
  observedValues,
  planQuantization,
  quantizeGraph,
  type Ranges,
  rangesFrom,
} from "../../../src/quantize/index.ts";
import { openOrt, runOnce } from "../../../src/runtimes/index.ts";
import { float32, seededRandom, type Tensor, toNumbers } from "../../../src/tensor/index.ts";

function noise(seed: number, ...shape: number[]): Tensor<"float32"> {
  const random = seededRandom(seed, "noise");
  return float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
}

/** conv - relu - conv - add - relu - average - gemm - softmax. */
function classifier(): Graph {
  const b = newBuilder("classifier");
  const x = b.input("image", { dtype: "float32", shape: ["N", 2, 6, 6] });
  const conv = (name: string, input: number, seed: number, cin: number) =>
    b.node(
      "Conv",
      [input, b.constant(`${name}.weight`, noise(seed, 4, cin, 3, 3)), b.constant(`${name}.bias`, noise(seed + 1, 4))],
      { pads: [1, 1, 1, 1] },
      { name },
    );
  const first = b.node("Relu", [conv("first", x, 1, 2)], {}, { name: "relu1" });
  const sum = b.node("Add", [first, conv("second", first, 3, 4)], {}, { name: "sum" });
  const pooled = b.node("GlobalAveragePool", [b.node("Relu", [sum], {}, { name: "relu2" })], {}, { name: "pool" });
  const flat = b.node("Flatten", [pooled], {}, { name: "flat" });
  const logits = b.node(
    "Gemm",
    [flat, b.constant("fc.weight", noise(5, 3, 4)), b.constant("fc.bias", noise(6, 3))],
    { transB: 1 },
    { name: "fc" },
  );
  b.output(b.node("Softmax", [logits], {}, { name: "probabilities" }));
  return b.build();
}

function largestDifference(a: Tensor, b: Tensor): number {
  const other = toNumbers(b);
  return Math.max(...toNumbers(a).map((value, i) => Math.abs(value - other[i]!)));
}

const batches = [noise(10, 8, 2, 6, 6), noise(11, 8, 2, 6, 6)];
const ranges = (graph: Graph, scheme = MCU_SCHEME) => calibrate(graph, batches, { open: openOrt, scheme });

/** Scale and zero point of the pair behind each QuantizeLinear, by the name of the value. */
function parameters(graph: Graph): Map<string, string> {
  const result = new Map<string, string>();
  for (const node of graph.nodes) {
    if (node.op !== "DequantizeLinear" || valueById(graph, node.inputs[0]!).data !== undefined) continue;
    const [, scale, zero] = node.inputs.map((id) => toNumbers(valueById(graph, id!).data ?? float32([0], []))[0]);
    result.set(valueById(graph, node.outputs[0]!).name, `${scale} ${zero}`);
  }
  return result;
}

describe("calibrate", () => {
  it("finds the extremes of every activation that becomes int8, none inside a fused clamp", async () => {
    const graph = classifier();
    const found = await ranges(graph);
    expect([...found.keys()]).toEqual(["image", "relu1", "second", "relu2", "pool", "flat", "fc"]);
    const values = batches.flatMap((batch) => [...batch.data]);
    expect(found.get("image")).toEqual({ low: Math.min(...values), high: Math.max(...values) });
    expect(found.get("relu1")!.low).toBe(0);
  });

  it("is deterministic and gives the same ranges from one observation for every method", async () => {
    const graph = classifier();
    const seen = await observe(graph, batches, { open: openOrt });
    for (const method of ["minmax", "percentile", "mse", "entropy"] as const) {
      const direct = await calibrate(graph, batches, { open: openOrt, method });
      expect([...rangesFrom(seen, { method })]).toEqual([...direct]);
    }
  });

  it("refuses to calibrate on nothing", async () => {
    await expect(calibrate(classifier(), [], { open: openOrt })).rejects.toThrow("at least one batch");
  });

  it("names an activation that is not finite", async () => {
    const broken = noise(1, 1, 2, 6, 6);
    broken.data[3] = Number.NaN;
    await expect(calibrate(classifier(), [broken], { open: openOrt })).rejects.toThrow('"image" is not finite');
  });
});

describe("quantizeGraph", () => {
  it("keeps the interface, is valid, and computes nearly the same", async () => {
    const graph = classifier();
    const quantized = quantizeGraph(graph, await ranges(graph));
    validateGraph(quantized);
    expect(quantized.inputs.map((id) => valueById(quantized, id))).toMatchObject([
      { name: "image", type: { dtype: "float32" } },
    ]);
    expect(quantized.outputs.map((id) => valueById(quantized, id).name)).toEqual(["probabilities"]);
    const feeds = { image: noise(12, 4, 2, 6, 6) };
    const [a, b] = [await runOnce(graph, feeds), await runOnce(quantized, feeds)];
    expect(largestDifference(a.probabilities!, b.probabilities!)).toBeLessThan(0.05);
  });

  it("gives the same bytes twice", async () => {
    const graph = classifier();
    const found = await ranges(graph);
    const text = () => printGraph(quantizeGraph(graph, found), { weights: "full" });
    expect(text()).toBe(text());
  });

  it("shares scales where TFLite's kernels demand it, and dictates softmax's", async () => {
    const graph = classifier();
    const found = parameters(quantizeGraph(graph, await ranges(graph)));
    expect(found.get("pool")).toBe(found.get("relu2"));
    expect(found.get("flat")).toBe(found.get("relu2"));
    expect(found.get("probabilities")).toBe(`${1 / 256} -128`);
    expect(found.has("sum")).toBe(false);
    expect(found.has("first")).toBe(false);
  });

  it("gives the global average its own scale on request", async () => {
    const graph = classifier();
    const found = parameters(quantizeGraph(graph, await ranges(graph, MOBILE_SCHEME), MOBILE_SCHEME));
    expect(found.get("pool")).not.toBe(found.get("relu2"));
    expect(found.get("flat")).toBe(found.get("pool"));
  });

  it("quantises weights per channel, fully connected ones per tensor, biases to int32", async () => {
    const graph = classifier();
    const quantized = quantizeGraph(graph, await ranges(graph));
    const sizes = new Map(
      quantized.nodes
        .filter((node) => node.op === "DequantizeLinear" && valueById(quantized, node.inputs[0]!).data !== undefined)
        .map((node) => [
          node.name,
          [valueById(quantized, node.inputs[0]!).type.dtype, valueById(quantized, node.inputs[1]!).type.shape.join()],
        ]),
    );
    expect(sizes.get("first.weight.dequantized")).toEqual(["int8", "4"]);
    expect(sizes.get("first.bias.dequantized")).toEqual(["int32", "4"]);
    expect(sizes.get("fc.weight.dequantized")).toEqual(["int8", ""]);
    expect(sizes.get("fc.bias.dequantized")).toEqual(["int32", ""]);
  });

  it("leaves nodes on real numbers that are listed", async () => {
    const graph = classifier();
    const scheme = { ...MCU_SCHEME, keepFloat: new Set(["fc", "probabilities"]) };
    const quantized = quantizeGraph(graph, await ranges(graph, scheme), scheme);
    validateGraph(quantized);
    const fc = quantized.nodes.find((node) => node.name === "fc")!;
    expect(valueById(quantized, fc.inputs[1]!).data?.dtype).toBe("float32");
  });

  it("does not force a dictated scale on what it is concatenated with", async () => {
    const b = newBuilder("gate");
    const x = b.input("x", { dtype: "float32", shape: ["N", 2] });
    const wide = b.node("Mul", [x, b.constant("ten", float32([1], [10]))], {}, { name: "wide" });
    b.output(b.node("Concat", [b.node("Sigmoid", [x], {}, { name: "gate" }), wide], { axis: 1 }, { name: "both" }));
    const graph = b.build();
    const found = await calibrate(graph, [noise(1, 64, 2)], { open: openOrt });
    const quantized = quantizeGraph(graph, found);
    const by = parameters(quantized);
    expect(by.get("gate")).toBe(`${1 / 256} -128`);
    expect(by.get("wide")).toBe(by.get("both"));
    const feeds = { x: noise(2, 4, 2) };
    const [a, c] = [await runOnce(graph, feeds), await runOnce(quantized, feeds)];
    const step = Number(by.get("both")!.split(" ")[0]);
    expect(largestDifference(a.both!, c.both!)).toBeLessThan(8 * step);
  });

  it("says which value has no range", () => {
    const empty: Ranges = new Map();
    expect(() => quantizeGraph(classifier(), empty)).toThrow('Value "image" has no range');
  });
});

describe("planQuantization", () => {
  it("needs the ranges of exactly the values without a dictated scale", () => {
    const graph = classifier();
    const names = observedValues(graph, planQuantization(graph, MCU_SCHEME)).map((id) => valueById(graph, id).name);
    expect(names).not.toContain("probabilities");
    expect(names).toContain("fc");
  });
});
