import { describe, expect, it } from "vitest";
import {
  dsCnn,
  type ImageShape,
  lstmClassifier,
  mlp,
  mobilenetV2,
  resnet8,
  vitTiny,
} from "../../../src/architectures/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";
import { evaluate, type TrainingData, train } from "../../../src/train/index.ts";

const CLASSES = 4;
const SAMPLES = 8;

/** Noise with labels that have nothing to do with it: only learning each sample by heart brings the loss down. */
function noise(image: ImageShape): TrainingData {
  const random = seededRandom(9, "overfit");
  const size = image.reduce((a, b) => a * b, 1);
  const samples = Float32Array.from({ length: SAMPLES * size }, () => random.normal());
  return {
    name: "noise",
    sampleShape: image,
    length: SAMPLES,
    labels: Int32Array.from({ length: SAMPLES }, () => random.below(CLASSES)),
    batch: (indices) => {
      const out = new Float32Array(indices.length * size);
      Array.from(indices).forEach((index, i) => {
        out.set(samples.subarray(index * size, (index + 1) * size), i * size);
      });
      return float32([indices.length, ...image], out);
    },
  };
}

interface Case {
  readonly name: string;
  readonly image: ImageShape;
  readonly build: (image: ImageShape) => Graph;
  readonly steps: number;
  readonly rate: number;
}

const cases: Case[] = [
  { name: "MLP", image: [1, 4, 4], build: (image) => mlp(1, image, CLASSES, [32]), steps: 60, rate: 0.02 },
  { name: "ResNet-8", image: [3, 8, 8], build: (image) => resnet8(1, image, CLASSES), steps: 60, rate: 0.01 },
  { name: "DS-CNN", image: [1, 10, 8], build: (image) => dsCnn(1, image, CLASSES), steps: 60, rate: 0.01 },
  { name: "MobileNetV2", image: [1, 12, 12], build: (image) => mobilenetV2(1, image, CLASSES), steps: 60, rate: 0.01 },
  {
    name: "ViT-tiny",
    image: [3, 8, 8],
    build: (image) => vitTiny(1, image, CLASSES, { width: 24, depth: 2, heads: 2 }),
    steps: 60,
    rate: 0.01,
  },
  { name: "LSTM", image: [1, 6, 5], build: (image) => lstmClassifier(1, image, CLASSES, 24), steps: 80, rate: 0.03 },
];

describe("a batch learned by heart", () => {
  it.each(cases)("$name: the loss falls below 0.01", { timeout: 60_000 }, async ({ image, build, steps, rate }) => {
    const data = noise(image);
    const graph = build(image);
    const before = await evaluate(graph, data);
    const { graph: trained, history } = await train(graph, data, {
      steps,
      batch: SAMPLES,
      optimiser: { kind: "adam" },
      schedule: { kind: "cosine", rate, warmUp: 0.1 },
      threads: 2,
    });
    const [first, last] = [history[0]!, history.at(-1)!];
    expect(first.loss).toBeGreaterThan(0.5);
    expect(last.loss).toBeLessThan(0.01);
    // Training leaves no trace but the values: an LSTM is still one.
    expect(trained.nodes.map(({ op }) => op)).toEqual(graph.nodes.map(({ op }) => op));
    const after = await evaluate(trained, data);
    // By what training wrote back: the weights, and the running statistics where there are any.
    expect(after.loss).toBeLessThan(0.05);
    expect(after.accuracy).toBe(1);
    expect(before.loss).toBeGreaterThan(0.5);
  });
});
