import { describe, expect, it } from "vitest";
import {
  batchCount,
  batches,
  type Dataset,
  datasetOf,
  holdOut,
  splitDataset,
  stratifiedSplit,
  subset,
} from "../../../src/data/index.ts";

/** Sample i is the number i; labels as given. */
function numbers(labels: number[], classes = 3): Dataset {
  return datasetOf({
    name: "numbers",
    sampleShape: [1, 1, 1],
    classes: Array.from({ length: classes }, (_, i) => `c${i}`),
    labels: Int32Array.from(labels),
    samples: Float32Array.from(labels, (_, i) => i),
    normalisation: { mean: [0], std: [1] },
  });
}

const all = (data: Dataset) => Array.from(data.batch(Array.from({ length: data.length }, (_, i) => i)).data);
const labels = Array.from({ length: 100 }, (_, i) => (i < 60 ? 0 : i < 90 ? 1 : 2));

describe("datasetOf and subset", () => {
  it("keeps samples and labels together, also through two subsets", () => {
    const inner = subset(subset(numbers(labels), [95, 3, 70, 3]), [2, 0]);
    expect(all(inner)).toEqual([70, 95]);
    expect(Array.from(inner.labels)).toEqual([1, 2]);
    expect(inner.length).toBe(2);
  });

  it("refuses indices and labels out of range", () => {
    const data = numbers(labels);
    expect(() => data.batch([100])).toThrow("Sample 100 of a data set of 100 samples");
    expect(() => data.batch([-1])).toThrow("Sample -1");
    expect(() => data.batch([0.5])).toThrow("Sample 0.5");
    expect(() => subset(data, [1.5])).toThrow("Sample 1.5");
    expect(() => subset(data, [5]).batch([1])).toThrow("Sample 1 of a data set of 1 samples");
    expect(() => numbers([0, 3])).toThrow("Sample 1 has label 3, but there are 3 classes");
    expect(() => numbers([0, -1])).toThrow("label -1");
  });

  it("refuses labels that do not match the samples", () => {
    const parts = { name: "x", sampleShape: [1, 1, 2], classes: ["a"], normalisation: { mean: [0], std: [1] } };
    expect(() => datasetOf({ ...parts, labels: new Int32Array(2), samples: new Uint8Array(2) })).toThrow(
      "2 labels for 1 samples of shape [1, 1, 2]",
    );
  });
});

describe("splitDataset", () => {
  it.each([
    [0.1, [6, 3, 1]],
    [10, [6, 3, 1]],
    [0.25, [15, 8, 2]],
    [1, [1, 0, 0]],
    [99, [59, 30, 10]],
  ])("holds out %d with each class's share", (validation, shares) => {
    const parts = splitDataset(numbers(labels), { validation, seed: 1 });
    expect([0, 1, 2].map((c) => parts.validation.labels.filter((label) => label === c).length)).toEqual(shares);
    expect([...all(parts.train), ...all(parts.validation)].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
  });

  it("is the same for the same seed only, and its start is a fair sample", () => {
    const of = (seed: number) => Array.from(stratifiedSplit(labels, { validation: 20, seed }).validation);
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(
      new Set(
        of(1)
          .slice(0, 10)
          .map((i) => labels[i]),
      ).size,
    ).toBeGreaterThan(1);
  });

  it.each([0, -1, 100, 1.5, Number.NaN, 0.001])("refuses to hold out %d", (validation) => {
    expect(() => splitDataset(numbers(labels), { validation, seed: 0 })).toThrow("Cannot hold out");
  });
});

describe("holdOut", () => {
  it("keeps a tenth apart, the same each time", () => {
    const { train, heldOut } = holdOut(numbers(labels));
    expect([train.length, heldOut.length]).toEqual([90, 10]);
    expect(all(train).filter((v) => all(heldOut).includes(v))).toEqual([]);
    expect(all(holdOut(numbers(labels)).heldOut)).toEqual(all(heldOut));
  });
});

describe("batches", () => {
  const data = numbers(labels);
  const order = (options: Parameters<typeof batches>[1]) =>
    [...batches(data, options)].map((b) => Array.from(b.indices));

  it("covers every sample once, in order or shuffled", () => {
    const plain = order({ batch: 32 });
    expect(plain.map((b) => b.length)).toEqual([32, 32, 32, 4]);
    expect(plain.flat()).toEqual(labels.map((_, i) => i));
    const shuffled = order({ batch: 32, shuffle: true, seed: 1, epoch: 0 }).flat();
    expect(shuffled).not.toEqual(plain.flat());
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(plain.flat());
    expect(batchCount(data, { batch: 32 })).toBe(4);
  });

  it("gives images and labels of its indices", () => {
    for (const { images, labels: own, indices } of batches(data, { batch: 7, shuffle: true, seed: 3 })) {
      expect(Array.from(images.data)).toEqual(Array.from(indices));
      expect(Array.from(own)).toEqual(Array.from(indices, (i) => labels[i]));
    }
  });

  it("drops a last batch that is not full when asked", () => {
    expect(order({ batch: 32, dropLast: true }).map((b) => b.length)).toEqual([32, 32, 32]);
    expect(order({ batch: 101, dropLast: true })).toEqual([]);
    expect(batchCount(data, { batch: 32, dropLast: true })).toBe(3);
  });

  it("repeats for the same seed and epoch, differs for others", () => {
    const of = (seed: number, epoch: number) => order({ batch: 10, shuffle: true, seed, epoch });
    expect(of(1, 2)).toEqual(of(1, 2));
    expect(of(1, 2)).not.toEqual(of(1, 3));
    expect(of(1, 2)).not.toEqual(of(2, 2));
  });

  it.each([0, -1, 2.5, Number.NaN])("refuses batch size %d", (batch) => {
    expect(() => order({ batch })).toThrow(`Batch size ${batch}`);
  });
});
