import { beforeAll, describe, expect, it } from "vitest";
import { layersFor } from "../../../src/architectures/layers.ts";
import { writeOnnx } from "../../../src/formats/onnx/index.ts";
import { emitTflite } from "../../../src/formats/tflite/index.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { editGraph } from "../../../src/ops/index.ts";
import { deployPipeline, runPasses } from "../../../src/passes/index.ts";
import {
  affineInt8,
  MCU_SCHEME,
  MOBILE_SCHEME,
  type QuantizationAwareResult,
  type QuantizationScheme,
  quantizationAwareTrain,
  quantizeGraph,
} from "../../../src/quantize/index.ts";
import { initialSteps } from "../../../src/quantize/qat/initial-steps.ts";
import { folded, normalisedLayers } from "../../../src/quantize/qat/normalised-layers.ts";
import { openTfliteRunner } from "../../../src/runtimes/index.ts";
import { float32, seededRandom, sizeOf, type Tensor, tensor, toFloat32, toNumbers } from "../../../src/tensor/index.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  evaluate,
  scoresOf,
  type TrainingData,
  train,
} from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "../train/tiny.ts";

const data = stripes(256);
const judged = stripes(256, 9);
const TUNING = { epochs: 3, batch: 32, seed: 1, schedule: { kind: "cosine", rate: 0.03 } } as const;
const COARSE: QuantizationScheme = { ...MCU_SCHEME, weightBits: 2 };

let float: Graph;
let coarse: QuantizationAwareResult;
let fine: QuantizationAwareResult;

beforeAll(async () => {
  float = (await train(tinyClassifier(), data, { epochs: 8, batch: 32, seed: 1 })).graph;
  coarse = await quantizationAwareTrain(float, data, { ...TUNING, scheme: COARSE });
  fine = await quantizationAwareTrain(float, data, { ...TUNING, scheme: MCU_SCHEME });
});

/** Scale of the graph's output: one int8 step of it. */
function outputStep(graph: Graph): number {
  const last = graph.nodes.find(({ outputs }) => outputs[0] === graph.outputs[0])!;
  expect(last.op).toBe("DequantizeLinear");
  return toNumbers(valueById(graph, last.inputs[1]!).data!)[0]!;
}

const largestDifference = (a: Tensor, b: Tensor) => {
  const other = toFloat32(b);
  return toFloat32(a).reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0);
};

/** Samples that are run one by one in LiteRT. */
const COMPARED = 64;

/** Most equal, nearly all others a step apart, none more than two: a rounding that falls on the other side early becomes two steps of the output at times. */
function expectSteps(a: Tensor, b: Tensor, step: number): void {
  const other = toFloat32(b);
  const steps = Array.from(toFloat32(a), (value, i) => Math.abs(value - other[i]!) / step);
  expect(Math.max(...steps)).toBeLessThan(2.01);
  expect(steps.filter((distance) => distance > 0.01).length).toBeLessThan(0.25 * steps.length);
  expect(steps.filter((distance) => distance > 1.01).length).toBeLessThan(0.03 * steps.length);
}

const bestOf = (scores: Tensor, classes: number) =>
  Array.from({ length: scores.shape[0]! }, (_, i) => {
    const row = toFloat32(scores).subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });

const operators = (graph: Graph) => graph.nodes.map(({ op, name }) => `${op} ${name}`);

describe("quantisation-aware training", () => {
  it("beats quantisation after training, most where levels are few", async () => {
    const before = await evaluate(coarse.untrained, judged);
    const after = await evaluate(coarse.graph, judged);
    expect(after.loss).toBeLessThan(0.3 * before.loss);
    expect(before.accuracy).toBeLessThan(0.7);
    expect(after.accuracy).toBeGreaterThan(0.95);
    expect((await evaluate(fine.graph, judged)).loss).toBeLessThan((await evaluate(fine.untrained, judged)).loss);
  });

  it("gains by the rounding in the loop, not by the training alone", async () => {
    const alone = await train(float, data, TUNING);
    const after = await quantizationAwareTrain(alone.graph, data, { ...TUNING, steps: 0, scheme: COARSE });
    const [own, other] = [await evaluate(coarse.graph, judged), await evaluate(after.graph, judged)];
    expect(own.loss).toBeLessThan(0.7 * other.loss);
  });

  it("learns scales: activations and weights leave where they were calibrated", () => {
    const before = parametersOf(fine.untrained);
    const after = parametersOf(fine.graph);
    expect([...after.keys()]).toEqual([...before.keys()]);
    const moved = [...after].filter(([name, value]) => value.join() !== before.get(name)!.join());
    expect(moved.length).toBeGreaterThan(0.8 * after.size);
  });

  it("writes what post-training quantisation writes: the same nodes, the learned scales exactly", () => {
    expect(operators(fine.graph)).toEqual(operators(fine.untrained));
    const again = quantizeGraph(fine.float, fine.ranges, MCU_SCHEME, { weightScales: fine.weightScales });
    expect(Buffer.from(writeOnnx(again)).equals(Buffer.from(writeOnnx(fine.graph)))).toBe(true);
    const logits = fine.ranges.get("logits")!;
    expect(affineInt8(logits).scale).toBe(outputStep(fine.graph));
  });

  it("computes in training what the int8 graph computes: as closely as two ways of running that do", async () => {
    const [simulated, int8] = [await scoresOf(fine.simulated, judged), await scoresOf(fine.graph, judged)];
    expectSteps(simulated, int8, outputStep(fine.graph));
    const [a, b] = [bestOf(simulated, 4), bestOf(int8, 4)];
    expect(a.filter((best, i) => best !== b[i]).length).toBeLessThanOrEqual(0.01 * a.length);
  });

  it.each([
    ["8 bits", () => fine.graph],
    ["2 bits", () => coarse.graph],
  ])(
    "runs as a TFLite file in LiteRT with the outputs of ONNX Runtime, nearly all to one step (%s)",
    async (_, graphOf) => {
      const graph = graphOf();
      const expected = await scoresOf(graph, judged);
      const runner = await openTfliteRunner(emitTflite(graph, { io: "float32" }).bytes);
      try {
        const scores = new Float32Array(4 * COMPARED);
        for (let i = 0; i < COMPARED; i++) {
          // One channel: the layouts agree.
          const [result] = await runner.run([tensor("float32", [1, 8, 8, 1], judged.batch([i]).data)]);
          scores.set(toFloat32(result!), 4 * i);
        }
        const shape = [COMPARED, 4];
        const own = float32(shape, expected.data.subarray(0, scores.length));
        expectSteps(float32(shape, scores), own, outputStep(graph));
      } finally {
        await runner.close();
      }
    },
  );

  it("gives the same bytes for the same seed, others for another", async () => {
    const bytes = async (seed: number) => {
      const result = await quantizationAwareTrain(float, data, { ...TUNING, epochs: 1, seed, scheme: COARSE });
      return Buffer.from(writeOnnx(result.graph)).toString("base64");
    };
    const first = await bytes(1);
    expect(await bytes(1)).toBe(first);
    expect(await bytes(2)).not.toBe(first);
  });

  it("uses the levels of its bits and no others", () => {
    const weights = [...coarse.graph.values.values()].filter(({ name }) => name.endsWith("weight.int8"));
    expect(weights).toHaveLength(4);
    for (const { data: q } of weights) expect(Math.max(...toNumbers(q!).map(Math.abs))).toBe(1);
  });

  it("keeps masked weights at 0", async () => {
    const name = "third.weight";
    const weight = [...float.values.values()].find((value) => value.name === name)!;
    const mask = float32(
      weight.data!.shape,
      toFloat32(weight.data!).map((_, i) => (i % 2 === 0 ? 1 : 0)),
    );
    const { graph } = await quantizationAwareTrain(float, data, {
      ...TUNING,
      epochs: 1,
      masks: new Map([[name, mask]]),
    });
    const q = [...graph.values.values()].find((value) => value.name === `${name}.int8`)!;
    expect(toNumbers(q.data!).some((value, i) => i % 2 === 1 && value !== 0)).toBe(false);
    expect(toNumbers(q.data!).filter((value) => value !== 0).length).toBeGreaterThan(40);
  });

  it("trains a model that ends in a softmax by its logits", async () => {
    const ending = tinyClassifier(1, { softmax: true });
    const { graph: trained } = await train(ending, data, { epochs: 8, batch: 32, seed: 1 });
    const { graph, untrained } = await quantizationAwareTrain(trained, data, { ...TUNING, scheme: COARSE });
    const [before, after] = [await evaluate(untrained, judged), await evaluate(graph, judged)];
    expect(after.loss).toBeLessThan(0.3 * before.loss);
  });

  it("takes the fully connected layers' scales a channel as well", async () => {
    const { graph, simulated } = await quantizationAwareTrain(float, data, { ...TUNING, scheme: MOBILE_SCHEME });
    expectSteps(await scoresOf(simulated, judged), await scoresOf(graph, judged), outputStep(graph));
  });

  it("handles a residual sum, shared scales, and nodes that stay on real numbers", async () => {
    const residual = residualNet();
    const scheme = { ...MOBILE_SCHEME, keepFloat: new Set(["last"]) };
    const { graph: trained } = await train(residual, data, { epochs: 4, batch: 32, seed: 1 });
    const { graph, simulated } = await quantizationAwareTrain(trained, data, { ...TUNING, scheme });
    const [a, b] = [await evaluate(simulated, judged), await evaluate(graph, judged)];
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(0.02);
    expect(b.loss).toBeLessThan((await evaluate(trained, judged)).loss);
  });

  it("handles dictated and converted scales, slopes, constant operands, and products with factors", async () => {
    const gated = gatedNet();
    const { graph: trained } = await train(gated, data, { epochs: 4, batch: 32, seed: 1 });
    const { graph, simulated, untrained } = await quantizationAwareTrain(trained, data, TUNING);
    expect(operators(graph)).toEqual(operators(untrained));
    expect(operators(graph).filter((text) => text.includes("rescaled"))).toHaveLength(2);
    const [a, b] = [await evaluate(simulated, judged), await evaluate(graph, judged)];
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(0.02);
    expect(b.loss).toBeLessThan((await evaluate(untrained, judged)).loss);
  });

  it("goes on from a checkpoint to the same bytes", async () => {
    const saved: Checkpoint[] = [];
    const checkpoint = { every: 5, save: (own: Checkpoint) => void saved.push(own) };
    const whole = await quantizationAwareTrain(float, data, { ...TUNING, epochs: 1, checkpoint });
    const restore = decodeCheckpoint(encodeCheckpoint(saved[0]!));
    expect(restore.step).toBe(5);
    const rest = await quantizationAwareTrain(float, data, {
      ...TUNING,
      epochs: 1,
      checkpoint: { save: () => {}, restore },
    });
    expect(Buffer.from(writeOnnx(rest.graph)).equals(Buffer.from(writeOnnx(whole.graph)))).toBe(true);
  });

  it("refuses data that do not fit, before it measures anything", async () => {
    const wrong: TrainingData = { ...data, sampleShape: [3, 8, 8] };
    await expect(quantizationAwareTrain(float, wrong, TUNING)).rejects.toThrow("[3, 8, 8]");
  });

  it("refuses bits that an int8 does not have", async () => {
    const scheme = { ...MCU_SCHEME, weightBits: 9 };
    await expect(quantizationAwareTrain(float, data, { ...TUNING, scheme })).rejects.toThrow("9 bits");
  });
});

describe("batch normalisation in the loop", () => {
  it("stays beside layers with a scale a channel, and is folded before where one scale serves all", () => {
    const source = runPasses(float, deployPipeline);
    expect([...normalisedLayers(float, source, MCU_SCHEME).keys()]).toEqual(["first", "second", "third"]);
    expect(normalisedLayers(float, source, { ...MCU_SCHEME, convolution: "per-tensor" }).size).toBe(0);
    expect(normalisedLayers(source, source, MCU_SCHEME).size).toBe(0);
  });

  it("folds to the same integers whatever the factor of a channel, turned where it is negative", async () => {
    const builder = editGraph(float);
    const scale = [...float.values.values()].find(({ name }) => name === "third.bn.scale")!;
    const turned = toFloat32(scale.data!).map((value, c) => (c === 1 ? -value : c === 2 ? 0 : value));
    builder.setConstant(scale.id, float32([12], turned));
    const result = await quantizationAwareTrain(builder.build(), data, { ...TUNING, steps: 0 });
    const difference = largestDifference(
      await scoresOf(result.simulated, judged),
      await scoresOf(result.graph, judged),
    );
    expect(difference).toBeLessThan(1.01 * outputStep(result.graph));
  });

  it("folds as the passes do", () => {
    const source = runPasses(float, deployPipeline);
    const node = source.nodes.find(({ name }) => name === "second")!;
    const layer = normalisedLayers(float, source, MCU_SCHEME).get("second")!;
    const values = { ...layer, weight: layer.weight.data, bias: null, norm: layer.norm.map((part) => part.data) };
    const { weight, bias } = folded(node, values);
    expect(largestDifference(weight, valueById(source, node.inputs[1]!).data!)).toBeLessThan(1e-6);
    expect(largestDifference(bias, valueById(source, node.inputs[2]!).data!)).toBeLessThan(1e-6);
  });
});

describe("initialSteps", () => {
  it("has no greater squared error than the step that holds the largest magnitude", () => {
    const random = seededRandom(3, "weights");
    const values = Float32Array.from({ length: 400 }, () => random.normal());
    const error = (step: number, levels: number) =>
      values.reduce((sum, w) => sum + (w - step * Math.max(-levels, Math.min(levels, Math.round(w / step)))) ** 2, 0);
    for (const levels of [1, 3, 7, 127]) {
      const [step] = initialSteps(float32([20, 20], values), null, levels);
      const peak = Math.max(...values.map(Math.abs)) / levels;
      expect(error(step!, levels)).toBeLessThanOrEqual(error(peak, levels));
      if (levels < 8) expect(step!).toBeLessThan(peak);
    }
  });

  it("gives each slice its own step, also along an inner axis, and zeros a positive one", () => {
    const weight = float32([2, 3], [1, 0, 30, -2, 0, 40]);
    expect([...initialSteps(weight, 1, 127)].map((step) => Math.round(step * 127 * 10) / 10)).toEqual([2, 1, 40]);
  });
});

/** Convolution, residual block with a max pool, and a fully connected layer after a convolution called "last". */
function residualNet(): Graph {
  const { layers, input } = layersFor("residual", [1, 8, 8], 4);
  const first = layers.conv("first", input, 8);
  const second = layers.conv("second", first, 8, { activation: "none" });
  const sum = layers.relu("sum.relu", layers.add("sum", first, second));
  const pooled = layers.builder.node("MaxPool", [sum], { kernel_shape: [2, 2], strides: [2, 2] }, { name: "halve" });
  layers.builder.output(layers.classifier(layers.conv("last", pooled, 8, { kernel: 1 }), 4));
  return layers.builder.build();
}

/** A gate, its concatenation with what it gates, a maximum with a constant, and a fully connected layer with alpha and beta. */
function gatedNet(): Graph {
  const { layers, input } = layersFor("gated", [1, 8, 8], 5);
  const { builder: b } = layers;
  const random = seededRandom(6, "gated");
  const noise = (...shape: number[]) =>
    float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => 0.4 * random.normal()),
    );
  const first = layers.conv("first", input, 6, { activation: "none" });
  const bent = b.node("PRelu", [first, b.constant("slope", noise(6, 1, 1))], {}, { name: "bent" });
  const gate = b.node("Sigmoid", [layers.conv("second", bent, 6, { activation: "none" })], {}, { name: "gate" });
  const gated = b.node("Mul", [bent, gate], {}, { name: "gated" });
  const both = b.node("Concat", [gated, gate], { axis: 1 }, { name: "both" });
  const least = b.node("Max", [both, b.constant("least", float32([1], [-0.5]))], {}, { name: "least" });
  const pooled = b.node("GlobalAveragePool", [least], {}, { name: "pool" });
  const flat = b.node("Flatten", [pooled], {}, { name: "flat" });
  const operands = [flat, b.constant("fc.weight", noise(12, 4)), b.constant("fc.bias", noise(4))];
  b.output(b.node("Gemm", operands, { alpha: 2, beta: 0.5 }, { name: "fc", outputNames: ["scores"] }));
  return b.build();
}

/** Scales of everything that is int8, by the name of the constant. */
function parametersOf(graph: Graph): Map<string, number[]> {
  const scales = new Map<string, number[]>();
  for (const node of graph.nodes) {
    if (node.op !== "DequantizeLinear") continue;
    const { name, data: scale } = valueById(graph, node.inputs[1]!);
    scales.set(name, Array.from(toNumbers(scale!)));
  }
  return scales;
}
