import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { loadDataset } from "../../../src/data/index.ts";
import { scratchFolders } from "../io/scratch-folder.ts";

const scratch = scratchFolders();

function folderOf(files: Record<string, Uint8Array | string>): string {
  const root = scratch();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** A version 1 .npy file. */
function npy(descr: string, shape: readonly number[], data: Uint8Array, order = "False"): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const header = `${text.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from("NUMPY\x01\x00"),
    Buffer.from([header.length, 0]),
    Buffer.from(header),
    data,
  ]);
}

const bytes = (array: { buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);
const floats = (values: readonly number[], shape: readonly number[]) =>
  npy("<f4", shape, bytes(Float32Array.from(values)));
const labels = (values: readonly number[]) => npy("<i8", [values.length], bytes(BigInt64Array.from(values, BigInt)));

describe("loadDataset of NumPy arrays", () => {
  const arrays = {
    "x_train.npy": floats([1, 2, 3, 4, 5, 6], [3, 2]),
    "y_train.npy": labels([0, 2, 1]),
    "x_test.npy": floats([7, 8], [1, 2]),
    "y_test.npy": labels([3]),
  };

  it("reads the split that is asked for, with the classes of both", async () => {
    const train = await loadDataset(folderOf(arrays), { split: "train" });
    expect(train).toMatchObject({ length: 3, sampleShape: [2, 1, 1], classes: ["0", "1", "2", "3"] });
    expect(Array.from(train.labels)).toEqual([0, 2, 1]);
    expect(Array.from(train.batch([2]).data)).toEqual([5, 6]);
    expect(Array.from((await loadDataset(folderOf(arrays), { split: "test" })).labels)).toEqual([3]);
  });

  it("reads an archive, and 8-bit images as 0 to 1", async () => {
    const archive = zipSync({
      "x_train.npy": npy("|u1", [2, 2, 2], Uint8Array.of(0, 255, 51, 102, 1, 2, 3, 4)),
      "y_train.npy": labels([1, 0]),
    });
    const train = await loadDataset(folderOf({ "mnist.npz": archive }), { split: "train" });
    expect(train.sampleShape).toEqual([1, 2, 2]);
    expect(Array.from(train.batch([0]).data, (v) => Math.round(v * 255))).toEqual([0, 255, 51, 102]);
  });

  it("turns images that are channels last when only that fits the model", async () => {
    const files = { "x_train.npy": floats([1, 10, 2, 20], [1, 1, 2, 2]), "y_train.npy": labels([0]) };
    const train = await loadDataset(folderOf(files), { split: "train", sampleShape: [2, 1, 2] });
    expect(Array.from(train.batch([0]).data)).toEqual([1, 2, 10, 20]);
  });

  it("holds out a fifth of each class of x and y", async () => {
    const files = {
      "x.npy": floats(
        Array.from({ length: 20 }, (_, i) => i),
        [20, 1],
      ),
      "y.npy": labels(Array.from({ length: 20 }, (_, i) => i % 2)),
    };
    const train = await loadDataset(folderOf(files), { split: "train" });
    const test = await loadDataset(folderOf(files), { split: "test" });
    expect([train.length, test.length]).toEqual([16, 4]);
    const all = [...train.batch([...train.labels.keys()]).data, ...test.batch([...test.labels.keys()]).data];
    expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(test.note).toContain("4 of 20");
  });

  it.each([
    ["another element type", { ...arrays, "x_train.npy": npy("<c8", [1], new Uint8Array(8)) }, '"<c8" is not read'],
    ["Fortran order", { ...arrays, "x_train.npy": npy("<f4", [1], new Uint8Array(4), "True") }, "Fortran order"],
    [
      "a shape that the bytes do not hold",
      { ...arrays, "x_train.npy": npy("<f4", [9, 9], new Uint8Array(8)) },
      "takes 324 bytes",
    ],
    ["a shape beyond memory", { ...arrays, "x_train.npy": npy("<f4", [2 ** 40], new Uint8Array(8)) }, "not accepted"],
    ["one-hot labels", { ...arrays, "y_train.npy": floats([1, 0, 0, 1], [2, 2]) }, "Labels are one whole number"],
    ["missing labels", { "x_train.npy": arrays["x_train.npy"] }, "has no labels"],
    ["what is not NumPy", { "x_train.npy": "hello, this is text", "y_train.npy": labels([1]) }, "not a NumPy file"],
    ["a broken archive", { "data.npz": Buffer.from("PK\x03\x04 nothing") }, "cannot be read"],
  ])("refuses %s", async (_, files, message) => {
    await expect(loadDataset(folderOf(files), { split: "train" })).rejects.toMatchObject({
      name: "EspalierError",
      message: expect.stringContaining(message),
      where: expect.any(String),
    });
  });
});

describe("loadDataset of CIFAR binaries", () => {
  const record = (label: number, value: number) => Buffer.concat([Buffer.from([label]), Buffer.alloc(3072, value)]);

  it("joins the training files and names the classes", async () => {
    const root = folderOf({
      "data_batch_1.bin": Buffer.concat([record(1, 255), record(0, 0)]),
      "data_batch_2.bin": record(2, 51),
      "test_batch.bin": record(2, 0),
      "batches.meta.txt": "airplane\nautomobile\nbird\n",
    });
    const train = await loadDataset(root, { split: "train", sampleShape: [3, 32, 32] });
    expect(train).toMatchObject({ length: 3, classes: ["airplane", "automobile", "bird"] });
    expect(Array.from(train.labels)).toEqual([1, 0, 2]);
    expect(train.batch([2]).data[3071]).toBeCloseTo(0.2, 6);
    expect((await loadDataset(root, { split: "test" })).length).toBe(1);
  });

  it("takes CIFAR-100's fine label, and refuses a file that was cut", async () => {
    const hundred = Buffer.concat([Buffer.from([7, 99]), Buffer.alloc(3072, 1)]);
    expect(Array.from((await loadDataset(folderOf({ "train.bin": hundred }), { split: "train" })).labels)).toEqual([
      99,
    ]);
    const cut = folderOf({ "train.bin": hundred.subarray(1) });
    await expect(loadDataset(cut, { split: "train" })).rejects.toThrow("not a whole number of records");
  });
});

describe("loadDataset of tables", () => {
  it("makes a sample of each row", async () => {
    const root = folderOf({ "train.csv": "a,label,b\n1,cat,2\n3,dog,4\n", "test.csv": "a,label,b\n5,dog,6\n" });
    const train = await loadDataset(root, { split: "train", sampleShape: [2] });
    expect(train).toMatchObject({ classes: ["cat", "dog"], sampleShape: [2] });
    expect(Array.from(train.batch([1]).data)).toEqual([3, 4]);
    expect(Array.from((await loadDataset(root, { split: "test" })).labels)).toEqual([1]);
  });

  it("makes windows of a series, the last fifth of which is the test split", async () => {
    const rows = Array.from({ length: 20 }, (_, t) => `${t},${t * 10},${t < 10 ? 0 : 1}`).join("\n");
    const root = folderOf({
      "series.csv": `x,y,label\n${rows}\n`,
      "dataset.json": JSON.stringify({ name: "s", csv: { window: 4 } }),
    });
    const train = await loadDataset(root, { split: "train" });
    expect(train).toMatchObject({ length: 4, sampleShape: [1, 2, 4] });
    expect(Array.from(train.batch([1]).data)).toEqual([4, 5, 6, 7, 40, 50, 60, 70]);
    const test = await loadDataset(root, { split: "test" });
    expect(Array.from(test.batch([0]).data).slice(0, 4)).toEqual([16, 17, 18, 19]);
  });

  it.each([
    ["no column of labels", { "train.csv": "a,b\n1,2\n" }, 'no column "label"'],
    ["text among the numbers", { "train.csv": "a,label\nx,1\n" }, 'Row 2, column "a" holds "x"'],
    ["rows of unequal length", { "train.csv": "a,label\n1,2,3\n" }, "cannot be read"],
    [
      "overlapping windows",
      { "train.csv": "a,label\n1,0\n", "dataset.json": '{"name":"s","csv":{"window":4,"stride":2}}' },
      "share rows",
    ],
  ])("refuses %s", async (_, files, message) => {
    await expect(loadDataset(folderOf(files), { split: "train" })).rejects.toThrow(message);
  });
});

describe("loadDataset of an ES module", () => {
  it("asks it for the split", async () => {
    const root = folderOf({
      "data.mjs": `export default ({ split }) => ({ sampleShape: [1, 2, 2], classes: ["a", "b"], labels: split === "train" ? [0, 1, 1] : [1],
        batch: (indices) => indices.flatMap((i) => [i, i, i, i]) });`,
    });
    const train = await loadDataset(join(root, "data.mjs"), { split: "train", sampleShape: [1, 2, 2] });
    expect(train.length).toBe(3);
    expect(Array.from(train.batch([2, 0]).data)).toEqual([2, 2, 2, 2, 0, 0, 0, 0]);
  });

  it.each([
    ["a module without a default export", "export const x = 1;", "not a function"],
    [
      "a label beyond the classes",
      "export default () => ({ sampleShape: [1], classes: ['a'], labels: [3], batch: () => [0] });",
      "Sample 0 has label 3",
    ],
    ["one that throws", "export default () => { throw new Error('no disk'); };", "no disk"],
  ])("refuses %s", async (_, text, message) => {
    await expect(loadDataset(join(folderOf({ "data.mjs": text }), "data.mjs"), { split: "train" })).rejects.toThrow(
      message,
    );
  });
});
