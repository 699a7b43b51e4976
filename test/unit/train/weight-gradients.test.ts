import { describe, expect, it } from "vitest";
import { datasetOf, UNIT_NORMALISATION } from "../../../src/data/index.ts";
import { valueById } from "../../../src/ir/index.ts";
import { editGraph, newBuilder } from "../../../src/ops/index.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";
import { evaluate, weightGradients } from "../../../src/train/index.ts";

const random = seededRandom(5, "gradients");
const data = datasetOf({
  name: "noise",
  sampleShape: [1, 4, 4],
  classes: ["a", "b", "c"],
  labels: Int32Array.from({ length: 64 }, (_, i) => i % 3),
  samples: Uint8Array.from({ length: 64 * 16 }, () => random.below(256)),
  normalisation: UNIT_NORMALISATION,
});

function model() {
  const normal = (...shape: number[]) =>
    float32(
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.5 * random.normal()),
    );
  const b = newBuilder("m");
  const x = b.input("x", { dtype: "float32", shape: ["N", 1, 4, 4] });
  const conv = b.node("Conv", [x, b.constant("conv.weight", normal(4, 1, 3, 3))], { pads: [1, 1, 1, 1] });
  const relu = b.node("Relu", [conv]);
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [relu])]);
  b.output(b.node("Gemm", [flat, b.constant("fc.weight", normal(3, 4))], { transB: 1 }));
  return b.build();
}

describe("weightGradients", () => {
  it("is the slope of the mean loss in a random direction", async () => {
    const graph = model();
    const gradients = await weightGradients(graph, data, { samples: 64, batch: 16 });
    expect([...gradients.keys()].sort()).toEqual(["conv.weight", "fc.weight"]);
    for (const [name, gradient] of gradients) {
      const id = [...graph.values.values()].find((value) => value.name === name)!.id;
      const weight = valueById(graph, id).data!;
      const direction = Float32Array.from(gradient.data, () => random.normal());
      const step = 1e-2;
      const lossAt = async (sign: number) => {
        const builder = editGraph(graph);
        builder.setConstant(
          id,
          float32(
            weight.shape,
            Float32Array.from(direction, (d, i) => Number(weight.data[i]) + sign * step * d),
          ),
        );
        return (await evaluate(builder.build(), data)).loss;
      };
      const numeric = ((await lossAt(1)) - (await lossAt(-1))) / (2 * step);
      const analytic = gradient.data.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      expect(Math.abs(analytic - numeric)).toBeLessThan(2e-3 + 0.02 * Math.abs(numeric));
    }
  });
});
