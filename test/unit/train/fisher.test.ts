import { describe, expect, it } from "vitest";
import { valueById } from "../../../src/ir/index.ts";
import { editGraph } from "../../../src/ops/index.ts";
import { float32 } from "../../../src/tensor/index.ts";
import { evaluate, fisherDiagonal, type TrainingData, weightGradients } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const graph = tinyClassifier();
const data = stripes(6);

/** The same data, one sample long. */
function only(index: number): TrainingData {
  return {
    ...data,
    length: 1,
    labels: data.labels.slice(index, index + 1),
    batch: () => data.batch([index]),
  };
}

describe("fisherDiagonal", () => {
  it("is the mean of the squared gradients of single samples", async () => {
    const expected = new Map<string, Float64Array>();
    for (let i = 0; i < data.length; i++)
      for (const [name, { data: gradient }] of await weightGradients(graph, only(i), { batch: 1, samples: 1 })) {
        const sum = expected.get(name) ?? new Float64Array(gradient.length);
        gradient.forEach((value, k) => {
          sum[k] = sum[k]! + (value * value) / data.length;
        });
        expected.set(name, sum);
      }
    const fisher = await fisherDiagonal(graph, data, { threads: 1 });
    expect([...fisher.keys()]).toEqual([...expected.keys()]);
    for (const [name, diagonal] of fisher) {
      const own = expected.get(name)!;
      const largest = Math.max(...own);
      expect(largest, name).toBeGreaterThan(0);
      diagonal.forEach((value, k) => {
        expect(Math.abs(value - own[k]!), `${name}[${k}]`).toBeLessThan(1e-5 * largest + 1e-12);
      });
    }
  });

  it("is the squared difference quotient of one sample's loss", async () => {
    const name = "classifier.weight";
    const fisher = (await fisherDiagonal(graph, only(2), { threads: 1 })).get(name)!;
    const { id, data: weight } = [...graph.values.values()].find((value) => value.name === name)!;
    const at = fisher.indexOf(Math.max(...fisher));
    const lossAt = async (step: number) => {
      const moved = Float32Array.from(weight!.data as Float32Array);
      moved[at] = moved[at]! + step;
      const builder = editGraph(graph);
      builder.setConstant(id, float32(valueById(graph, id).type.shape as number[], moved));
      return (await evaluate(builder.build(), only(2))).loss;
    };
    const slope = ((await lossAt(1e-2)) - (await lossAt(-1e-2))) / 2e-2;
    expect(fisher[at]! / slope ** 2).toBeCloseTo(1, 2);
  });

  it("shows each sample's gradients, and the seed draws the samples", async () => {
    const seen = async (seed: number) => {
      const samples: number[] = [];
      const sums = new Map<string, number>();
      const accumulate = (gradients: ReadonlyMap<string, Float32Array>, sample: number) => {
        samples.push(sample);
        for (const [name, values] of gradients)
          sums.set(name, (sums.get(name) ?? 0) + values.reduce((sum, value) => sum + value * value, 0) / 3);
      };
      const fisher = await fisherDiagonal(graph, data, { samples: 3, seed, threads: 1, accumulate });
      for (const [name, diagonal] of fisher)
        expect(diagonal.reduce((sum, value) => sum + value, 0) / sums.get(name)!).toBeCloseTo(1, 4);
      return samples;
    };
    const first = await seen(1);
    expect(new Set(first).size).toBe(3);
    expect(await seen(1)).toEqual(first);
    expect(await seen(4)).not.toEqual(first);
  });

  it("refuses to average over nothing", async () => {
    await expect(fisherDiagonal(graph, data, { samples: 0 })).rejects.toThrow("at least one sample, got 0");
  });
});
