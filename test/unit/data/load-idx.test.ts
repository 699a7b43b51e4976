import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadDataset } from "../../../src/data/index.ts";
import { scratchFolders } from "../io/scratch-folder.ts";
import { idx, zipped } from "./write-idx.ts";

const scratch = scratchFolders();

/** Two training images of 2x2 with labels 1 and 0, one test image with label 2. */
function small(files: Record<string, Uint8Array | string> = {}): string {
  const folder = scratch();
  const all: Record<string, Uint8Array | string> = {
    "train-images-idx3-ubyte": idx([2, 2, 2], [0, 51, 102, 255, 1, 2, 3, 4]),
    "train-labels-idx1-ubyte.gz": zipped(idx([2], [1, 0])),
    "t10k-images-idx3-ubyte.gz": zipped(idx([1, 2, 2], [5, 6, 7, 8])),
    "t10k-labels-idx1-ubyte": idx([1], [2]),
    ...files,
  };
  for (const [name, bytes] of Object.entries(all)) writeFileSync(join(folder, name), bytes);
  return folder;
}

const describeWith = (fields: object) => ({ "dataset.json": JSON.stringify({ name: "small", ...fields }) });

describe("loadDataset of IDX files", () => {
  it("gives images in 0..1 and classes numbered over both splits", async () => {
    const folder = small();
    const train = await loadDataset(folder, { split: "train" });
    expect(train).toMatchObject({ sampleShape: [1, 2, 2], classes: ["0", "1", "2"], length: 2 });
    expect(Array.from(train.labels)).toEqual([1, 0]);
    const { shape, data } = train.batch([0]);
    expect(shape).toEqual([1, 1, 2, 2]);
    expect(Array.from(data)).toEqual([0, 51 / 255, 102 / 255, 1].map(Math.fround));
    const test = await loadDataset(folder, { split: "test" });
    expect(test).toMatchObject({ classes: ["0", "1", "2"], length: 1 });
  });

  it("takes names and normalisation from dataset.json, and the caller's normalisation over both", async () => {
    const folder = small(describeWith({ classes: ["a", "b", "c"], mean: [0.5], std: [0.25], licence: "MIT" }));
    const stored = await loadDataset(folder, { split: "train" });
    expect(stored).toMatchObject({ name: "small", classes: ["a", "b", "c"] });
    expect(stored.normalisation).toEqual({ mean: [0.5], std: [0.25] });
    expect(Array.from(stored.batch([0]).data)).toEqual(
      [-2, (0.2 - 0.5) / 0.25, (0.4 - 0.5) / 0.25, 2].map(Math.fround),
    );
    const given = await loadDataset(folder, { split: "train", normalisation: { mean: [1], std: [2] } });
    expect(given.batch([0]).data[3]).toBe(0);
  });

  it("accepts another form of the same sample, and refuses another size", async () => {
    const folder = small();
    expect((await loadDataset(folder, { split: "train", sampleShape: [4] })).batch([1]).shape).toEqual([1, 4]);
    await expect(loadDataset(folder, { split: "train", sampleShape: [3, 32, 32] })).rejects.toMatchObject({
      code: "input",
      message: "The model takes samples of [3, 32, 32], the data has [1, 2, 2]",
    });
  });

  it("puts channels first", async () => {
    const pixels = [1, 10, 100, 2, 20, 200]; // 1x2 pixels of 3 channels
    const folder = small({
      "train-images-idx3-ubyte": idx([1, 1, 2, 3], pixels),
      "train-labels-idx1-ubyte.gz": idx([1], [0]),
      ...describeWith({ layout: "channels-last" }),
    });
    const data = await loadDataset(folder, { split: "train" });
    expect(data.sampleShape).toEqual([3, 1, 2]);
    expect(Array.from(data.batch([0]).data, (v) => Math.round(v * 255))).toEqual([1, 2, 10, 20, 100, 200]);
  });

  it("reads signed and floating samples as they are", async () => {
    const folder = small({
      "train-images-idx3-ubyte": idx([2, 3], [0xff, 0, 1, 2, 3, 4], 0x09),
      ...describeWith({ mean: [1], std: [2] }),
    });
    const data = await loadDataset(folder, { split: "train" });
    expect(data.sampleShape).toEqual([3, 1, 1]);
    expect(Array.from(data.batch([0]).data)).toEqual([-1, -0.5, 0]);
  });

  it.each([
    ["a label without a class", describeWith({ classes: ["a"] }), "Sample 0 has label 1, but there are 1 classes"],
    ["other counts", { "train-labels-idx1-ubyte.gz": zipped(idx([3], [1, 0, 1])) }, "2 samples, 3 labels"],
    [
      "square labels",
      { "train-labels-idx1-ubyte.gz": zipped(idx([1, 2], [1, 0])) },
      "Labels have one dimension, this file has [1, 2]",
    ],
    ["a wrong magic number", { "train-images-idx3-ubyte": "PNG?....." }, "The magic number is"],
    ["too many axes", { "train-images-idx3-ubyte": idx([2, 1, 1, 1, 1], [0, 0]) }, "Samples have 1 to 3 axes"],
    ["an unknown field", describeWith({ means: [0] }), "means"],
    ["a deviation of 0", describeWith({ std: [0] }), "std"],
    ["too many means", describeWith({ mean: [0, 0] }), '"mean" has 2 entries, the samples have 1 channels'],
    ["no JSON", { "dataset.json": "{" }, "Not valid JSON"],
  ])("refuses %s, naming the place", async (_, files, message) => {
    const folder = small(files);
    const error = await loadDataset(folder, { split: "train" }).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: "EspalierError", code: "input", message: expect.stringContaining(message) });
    expect((error as { where: string }).where).toContain(folder);
  });

  it("says what it expected when nothing fits, and when a split is missing", async () => {
    const folder = scratch();
    writeFileSync(join(folder, "readme.txt"), "x");
    await expect(loadDataset(folder, { split: "train" })).rejects.toMatchObject({
      message: "No data set that Espalier reads is here",
      hint: expect.stringContaining("IDX files"),
    });
    await expect(loadDataset(join(folder, "no"), { split: "train" })).rejects.toThrow("does not exist");
    await expect(loadDataset(join(folder, "readme.txt"), { split: "train" })).rejects.toThrow("A folder is needed");
    const onlyTrain = scratch();
    cpSync(join(small(), "train-images-idx3-ubyte"), join(onlyTrain, "train-images-idx3-ubyte"));
    mkdirSync(join(onlyTrain, "t10k-images-idx3-ubyte")); // a folder is not the file
    await expect(loadDataset(onlyTrain, { split: "test" })).rejects.toThrow("The test split has no images");
    await expect(loadDataset(onlyTrain, { split: "train" })).rejects.toThrow("The train split has no labels");
  });
});

describe("data/fashion-mnist", () => {
  const folder = fileURLToPath(new URL("../../../data/fashion-mnist", import.meta.url));

  it("holds 20,000 training and 5,000 test images of ten classes", async () => {
    const train = await loadDataset(folder, { split: "train", sampleShape: [1, 28, 28] });
    const test = await loadDataset(folder, { split: "test" });
    expect(train).toMatchObject({ name: "Fashion-MNIST", length: 20_000, sampleShape: [1, 28, 28] });
    expect(test.length).toBe(5_000);
    expect(train.classes).toHaveLength(10);
    expect(train.normalisation).toEqual({ mean: [0], std: [1] });
    // The first labels of the published set: ankle boot, T-shirt, T-shirt, dress, T-shirt; and of its test set.
    expect(Array.from(train.labels.subarray(0, 5))).toEqual([9, 0, 0, 3, 0]);
    expect(Array.from(test.labels.subarray(0, 5))).toEqual([9, 2, 1, 1, 6]);
    const first = train.batch([0]).data;
    expect(Math.max(...first)).toBe(1);
    expect(Math.min(...first)).toBe(0);
  });

  it("has gzip headers without a time, and a licence", () => {
    for (const name of ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"]) {
      expect(Array.from(readFileSync(join(folder, name)).subarray(4, 8))).toEqual([0, 0, 0, 0]);
    }
    expect(readFileSync(join(folder, "LICENSE"), "utf8")).toContain("Copyright © 2017 Zalando SE");
  });
});
