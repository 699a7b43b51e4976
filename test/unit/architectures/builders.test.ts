import { describe, expect, it } from "vitest";
import { BUILDERS, type BuilderName, resnet18, vitTiny } from "../../../src/architectures/index.ts";
import { type Graph, hashGraph, valueById } from "../../../src/ir/index.ts";
import { macsOf, validateGraph } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";
import { trainables } from "../../../src/train/trainables.ts";

/** Elements of the constants that training changes. */
function parametersOf(graph: Graph): number {
  return trainables(graph).reduce((sum, { id }) => sum + valueById(graph, id).data!.data.length, 0);
}

const linear = (inputs: number, outputs: number) => (inputs + 1) * outputs;

/** Of ViT: patches, positions, `depth` blocks of two norms, packed attention and two layers, a last norm, the classifier. */
function vitParameters(width: number, depth: number, tokens: number, patch: number): number {
  const block =
    4 * width + linear(width, 3 * width) + linear(width, width) + linear(width, 4 * width) + linear(4 * width, width);
  return linear(patch, width) + tokens * width + depth * block + 2 * width + linear(width, 10);
}

/** Of MobileNetV1: convolutions without bias, each with scale and shift of a normalisation; output channels by block. */
function mobileNetParameters(stem: number, blocks: readonly number[], classes: number): number {
  let channels = stem;
  let sum = 27 * stem + 2 * stem;
  for (const count of blocks) {
    sum += 9 * channels + 2 * channels + channels * count + 2 * count;
    channels = count;
  }
  return sum + linear(channels, classes);
}

/** Parameters, and MACs where they are stated elsewhere. */
const KNOWN: Readonly<Partial<Record<BuilderName, { parameters: number; macs?: number }>>> = {
  mlp: { parameters: linear(784, 256) + linear(256, 128) + linear(128, 10), macs: 784 * 256 + 256 * 128 + 1280 },
  // MLPerf Tiny, visual wake words: 7.5 M MACs.
  mobilenet_v1: {
    parameters: mobileNetParameters(8, [16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256], 2),
    macs: 7_489_664,
  },
  // The usual ResNet-18 for CIFAR-10: 11,173,962 parameters.
  resnet18: { parameters: 11_173_962 },
  vit_tiny: { parameters: vitParameters(192, 12, 64, 48) },
  lstm: { parameters: 256 * (28 + 64 + 2) + linear(64, 10) },
};

describe.each(Object.keys(KNOWN) as BuilderName[])("%s", (name) => {
  const graph = BUILDERS[name](1);
  const { parameters, macs } = KNOWN[name]!;

  it("has the size that its layers add up to", () => {
    expect(parametersOf(graph)).toBe(parameters);
    if (macs !== undefined) expect(graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0)).toBe(macs);
  });

  it("is valid, and the same for the same seed only", () => {
    validateGraph(graph);
    // 11 million normal numbers take a second: fewer will do.
    const build = name === "resnet18" ? (seed: number) => resnet18(seed, [3, 32, 32], 10, 8) : BUILDERS[name];
    expect(hashGraph(build(1))).toBe(hashGraph(build(1)));
    expect(hashGraph(build(2))).not.toBe(hashGraph(build(1)));
  });

  it("starts with scores of a sensible size, for other images and classes too", async () => {
    const random = seededRandom(1, "image");
    const input = float32(
      [2, 2, 32, 32],
      Float32Array.from({ length: 2 * 2048 }, () => random.next()),
    );
    const { logits } = await runOnce(BUILDERS[name](1, [2, 32, 32], 5), { input });
    expect(logits!.shape).toEqual([2, 5]);
    const greatest = Math.max(...Array.from(logits!.data as Float32Array, Math.abs));
    // Depthwise layers on maps of one pixel see one of nine taps: MobileNetV1 starts low on small images.
    expect(greatest).toBeGreaterThan(1e-3);
    expect(greatest).toBeLessThan(100);
  });
});

it("a vision transformer of another width and depth adds up as well", () => {
  const graph = vitTiny(1, [1, 8, 8], 10, { width: 24, depth: 2, heads: 2, patch: 2 });
  expect(parametersOf(graph)).toBe(vitParameters(24, 2, 16, 4));
});
