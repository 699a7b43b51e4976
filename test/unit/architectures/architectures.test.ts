import { describe, expect, it } from "vitest";
import { ARCHITECTURES, type ArchitectureName } from "../../../src/architectures/index.ts";
import { type Graph, hashGraph } from "../../../src/ir/index.ts";
import { macsOf, validateGraph } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";

/** Elements of the constants, but for the scalar bounds of activations. */
function parametersOf(graph: Graph): number {
  return [...graph.values.values()].reduce(
    (sum, { data }) => sum + (data === undefined || data.shape.length === 0 ? 0 : data.data.length),
    0,
  );
}

/** Weights of convolutions [outputs, inputs, kernel side, output side, count], each followed by a batch norm (4 numbers a channel), and the last layer's inputs. */
const LAYERS: Readonly<Record<ArchitectureName, { convs: readonly (readonly number[])[]; features: number }>> = {
  ds_cnn: {
    convs: [
      [64, 1, 5, 14, 1],
      [64, 1, 3, 14, 4],
      [64, 64, 1, 14, 4],
    ],
    features: 64,
  },
  resnet8: {
    convs: [
      [16, 1, 3, 28, 1],
      [16, 16, 3, 28, 2],
      [32, 16, 3, 14, 1],
      [32, 32, 3, 14, 1],
      [32, 16, 1, 14, 1],
      [64, 32, 3, 7, 1],
      [64, 64, 3, 7, 1],
      [64, 32, 1, 7, 1],
    ],
    features: 64,
  },
  mobilenet_v2: {
    convs: [
      [16, 1, 3, 14, 1],
      // Expansion, depthwise, projection of each block.
      ...[
        [16, 1, 3, 14, 1],
        [16, 16, 1, 14, 1],
      ],
      ...[
        [96, 16, 1, 14, 1],
        [96, 1, 3, 14, 1],
        [24, 96, 1, 14, 1],
      ],
      ...[
        [144, 24, 1, 14, 1],
        [144, 1, 3, 14, 1],
        [24, 144, 1, 14, 1],
      ],
      ...[
        [144, 24, 1, 14, 1],
        [144, 1, 3, 7, 1],
        [32, 144, 1, 7, 1],
      ],
      ...[
        [192, 32, 1, 7, 1],
        [192, 1, 3, 7, 1],
        [32, 192, 1, 7, 1],
      ],
      ...[
        [192, 32, 1, 7, 1],
        [192, 1, 3, 4, 1],
        [64, 192, 1, 4, 1],
      ],
      ...[
        [384, 64, 1, 4, 1],
        [384, 1, 3, 4, 1],
        [64, 384, 1, 4, 1],
      ],
      [256, 64, 1, 4, 1],
    ],
    features: 256,
  },
  resnet10_wide: {
    convs: [
      [64, 1, 3, 14, 1],
      [64, 64, 3, 14, 2],
      ...[
        [64, 128, 7],
        [128, 256, 4],
        [256, 512, 2],
      ].flatMap(([from, to, side]) => [
        [to!, from!, 3, side!, 1],
        [to!, to!, 3, side!, 1],
        [to!, from!, 1, side!, 1],
      ]),
    ],
    features: 512,
  },
};

describe.each(Object.keys(ARCHITECTURES) as ArchitectureName[])("%s", (name) => {
  const graph = ARCHITECTURES[name](1);

  it("has the parameters and MACs of its layers", () => {
    const { convs, features } = LAYERS[name];
    let [parameters, macs] = [features * 10 + 10, features * 10];
    for (const [outputs, inputs, kernel, side, count] of convs as number[][]) {
      const weights = outputs! * inputs! * kernel! ** 2;
      parameters += count! * (weights + 4 * outputs!);
      macs += count! * weights * side! ** 2;
    }
    expect(parametersOf(graph)).toBe(parameters);
    expect(graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0)).toBe(macs);
  });

  it("is valid, and the same for the same seed only", () => {
    validateGraph(graph);
    expect(hashGraph(ARCHITECTURES[name](1))).toBe(hashGraph(graph));
    expect(hashGraph(ARCHITECTURES[name](2))).not.toBe(hashGraph(graph));
  });

  it("starts with scores of a sensible size", async () => {
    const random = seededRandom(1, "image");
    const input = float32(
      [3, 1, 28, 28],
      Float32Array.from({ length: 3 * 784 }, () => random.next()),
    );
    const { logits } = await runOnce(graph, { input });
    expect(logits!.shape).toEqual([3, 10]);
    const greatest = Math.max(...Array.from(logits!.data as Float32Array, Math.abs));
    expect(greatest).toBeGreaterThan(0.01);
    expect(greatest).toBeLessThan(100);
  });
});
