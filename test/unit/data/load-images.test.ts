import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { loadDataset } from "../../../src/data/index.ts";
import { scratchFolders } from "../io/scratch-folder.ts";

const scratch = scratchFolders();

type Rgb = readonly [number, number, number];

const solid = ([r, g, b]: Rgb, width = 4, height = 4) =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } });

/** Writes files by relative path. */
async function folderOf(files: Record<string, Buffer | string | Promise<Buffer>>): Promise<string> {
  const root = scratch();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), await content);
  }
  return root;
}

const bytesOf = (data: Float32Array) => Array.from(data, (v) => Math.round(v * 255));

describe("loadDataset of class folders", () => {
  it("reads train/ and test/ in a fixed order, PNG exactly and JPEG nearly", async () => {
    const root = await folderOf({
      "train/dog/2.png": solid([10, 20, 30]).png().toBuffer(),
      "train/dog/10.PNG": solid([40, 50, 60]).png().toBuffer(),
      "train/cat/a.jpg": solid([200, 100, 50]).jpeg({ quality: 100 }).toBuffer(),
      "train/cat/notes.txt": "not an image",
      "train/cat/.DS_Store": "hidden",
      "test/dog/nested/x.jpeg": solid([1, 2, 3]).jpeg({ quality: 100 }).toBuffer(),
    });
    const seen: [number, number][] = [];
    const train = await loadDataset(root, {
      split: "train",
      sampleShape: [3, 2, 2],
      onProgress: (done, total) => seen.push([done, total]),
    });
    expect(train).toMatchObject({ classes: ["cat", "dog"], length: 3, sampleShape: [3, 2, 2] });
    expect(Array.from(train.labels)).toEqual([0, 1, 1]);
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    const pixels = bytesOf(train.batch([1, 2]).data);
    const plane = (v: number) => [v, v, v, v];
    expect(pixels).toEqual([40, 50, 60, 10, 20, 30].flatMap(plane)); // "10.PNG" sorts before "2.png"
    bytesOf(train.batch([0]).data).forEach((value, i) => {
      expect(Math.abs(value - [200, 100, 50][i >> 2]!)).toBeLessThanOrEqual(3);
    });
    const test = await loadDataset(root, { split: "test", sampleShape: [3, 2, 2] });
    expect(test).toMatchObject({ classes: ["cat", "dog"], length: 1 });
    expect(Array.from(test.labels)).toEqual([1]);
    expect(test.note).toBeUndefined();
  });

  it("holds out a fixed, stratified fifth when there is no train/ and test/", async () => {
    const files: Record<string, Promise<Buffer>> = {};
    for (let i = 0; i < 10; i++) {
      files[`train/${i}.png`] = solid([i, 0, 0], 1, 1).png().toBuffer(); // a class may be called "train"
      files[`bike/${i}.png`] = solid([100 + i, 0, 0], 1, 1)
        .png()
        .toBuffer();
    }
    const root = await folderOf(files);
    const reds = async (split: "train" | "test") => {
      const data = await loadDataset(root, { split });
      const all = data.batch(Int32Array.from({ length: data.length }, (_, i) => i));
      return { note: data.note, values: bytesOf(all.data.filter((_, i) => i % 3 === 0)) };
    };
    const [train, test, again] = [await reds("train"), await reds("test"), await reds("test")];
    expect(test.values).toHaveLength(4);
    expect(test.values.filter((v) => v >= 100)).toHaveLength(2);
    expect([...train.values, ...test.values].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => (i < 10 ? i : 90 + i)),
    );
    expect(again).toEqual(test);
    expect(test.note).toContain("4 of 20 files");
  });

  it("takes shape and channels from the first image, or converts to the model's", async () => {
    const grey = sharp(Buffer.from([0, 64, 128, 255, 9, 9]), { raw: { width: 3, height: 2, channels: 1 } });
    const root = await folderOf({
      "train/a/1.png": grey.clone().toColourspace("b-w").png().toBuffer(),
      "train/a/2.png": solid([77, 77, 77], 3, 2).png().toBuffer(),
    });
    const own = await loadDataset(root, { split: "train" });
    expect(own.sampleShape).toEqual([1, 2, 3]);
    expect(bytesOf(own.batch([0, 1]).data)).toEqual([0, 64, 128, 255, 9, 9, 77, 77, 77, 77, 77, 77]);
    const colour = await loadDataset(root, { split: "train", sampleShape: [3, 2, 3] });
    expect(bytesOf(colour.batch([0]).data)).toEqual([
      0, 64, 128, 255, 9, 9, 0, 64, 128, 255, 9, 9, 0, 64, 128, 255, 9, 9,
    ]);
  });

  it("lays transparency over black, turns as EXIF says, narrows 16 bits, cuts at the centre", async () => {
    const clear = sharp(Buffer.from([255, 255, 255, 0, 10, 20, 30, 255]), {
      raw: { width: 2, height: 1, channels: 4 },
    });
    const wide = sharp(Buffer.from([1, 2, 3, 4].flatMap((v) => [v, v, v])), {
      raw: { width: 4, height: 1, channels: 3 },
    });
    const root = await folderOf({
      "train/a/1.png": clear.png().toBuffer(),
      "train/b/1.png": solid([10, 128, 250], 2, 1).toColourspace("rgb16").png().toBuffer(),
      "train/c/1.png": wide.png().toBuffer(),
    });
    const data = await loadDataset(root, { split: "train", sampleShape: [3, 1, 2] });
    expect(bytesOf(data.batch([0]).data)).toEqual([0, 10, 0, 20, 0, 30]);
    expect(bytesOf(data.batch([1]).data)).toEqual([10, 10, 128, 128, 250, 250]);
    const middle = await loadDataset(root, { split: "train", sampleShape: [3, 1, 1] });
    expect(middle.batch([0]).shape).toEqual([1, 3, 1, 1]);
    const turned = await folderOf({
      "train/a/1.jpg": sharp(Buffer.from([0, 0, 0, 255, 255, 255]), { raw: { width: 2, height: 1, channels: 3 } })
        .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
        .withMetadata({ orientation: 6 })
        .toBuffer(),
    });
    expect((await loadDataset(turned, { split: "train" })).sampleShape).toEqual([3, 2, 1]);
  });

  it("takes the order of classes from dataset.json and refuses a folder it does not know", async () => {
    const description = { name: "pets", classes: ["dog", "cat"], mean: [0.5, 0, 0], std: [1, 1, 2] };
    const files = {
      "dataset.json": JSON.stringify(description),
      "train/cat/1.png": solid([255, 255, 255], 1, 1).png().toBuffer(),
      "train/dog/1.png": solid([0, 0, 0], 1, 1).png().toBuffer(),
    };
    const data = await loadDataset(await folderOf(files), { split: "train" });
    expect(data).toMatchObject({ name: "pets", classes: ["dog", "cat"] });
    expect(Array.from(data.labels)).toEqual([1, 0]);
    expect(Array.from(data.batch([0]).data)).toEqual([0.5, 1, 0.5]);
    const odd = await folderOf({ ...files, "train/cats/1.png": solid([0, 0, 0]).png().toBuffer() });
    await expect(loadDataset(odd, { split: "train" })).rejects.toMatchObject({
      message: 'The folder "cats" is not one of the 2 classes',
      hint: expect.stringContaining('Did you mean "cat"?'),
    });
  });

  it.each([
    ["a truncated PNG", (whole: Buffer) => whole.subarray(0, whole.length >> 1), "cannot be decoded"],
    [
      "an SVG called .png",
      () => '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      "neither PNG nor JPEG",
    ],
    ["an empty file", () => "", "is empty"],
    ["a damaged PNG", (whole: Buffer) => Buffer.from(whole).fill(0, 40, 60), "cannot be decoded"],
  ])("names %s", async (_, damage, message) => {
    const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (__, i) => (i * 7919) % 251));
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toBuffer();
    const root = await folderOf({ "train/a/1.png": whole, "train/a/2.png": damage(whole) });
    await expect(loadDataset(root, { split: "train" })).rejects.toMatchObject({
      code: "input",
      message: expect.stringContaining(message),
      where: join(root, "train/a/2.png"),
    });
  });

  it("names a truncated JPEG", async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (__, i) => (i * 7919) % 251));
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    const root = await folderOf({ "train/a/1.jpg": whole.subarray(0, whole.length - 400) });
    await expect(loadDataset(root, { split: "train", sampleShape: [3, 8, 8] })).rejects.toMatchObject({
      where: join(root, "train/a/1.jpg"),
      message: expect.stringContaining("cannot be decoded"),
    });
  });

  it("does not follow a link out of the folder", async () => {
    const secret = join(await folderOf({ "secret.png": solid([1, 1, 1]).png().toBuffer() }), "secret.png");
    const root = await folderOf({ "train/a/1.png": solid([1, 1, 1]).png().toBuffer() });
    symlinkSync(secret, join(root, "train/a/2.png"));
    await expect(loadDataset(root, { split: "train" })).rejects.toMatchObject({
      where: join(root, "train/a/2.png"),
      message: "A symbolic link leads outside the folder",
    });
    const inside = await folderOf({ "train/a/1.png": solid([1, 1, 1]).png().toBuffer() });
    symlinkSync("1.png", join(inside, "train/a/2.png"));
    expect((await loadDataset(inside, { split: "train" })).length).toBe(2);
  });

  it.each([
    ["an empty class", { "train/a/1.txt": "x", "train/b/1.png": "x" }, 'The class folder "a" holds no .png'],
    ["a missing split", { "test/a/1.png": "x" }, 'there is no folder "train"'],
  ])("refuses %s", async (_, files, message) => {
    await expect(loadDataset(await folderOf(files), { split: "train" })).rejects.toThrow(message);
  });

  it.each([[[4, 2, 2]], [[3, 0, 2]], [[12]], [[3, 1 << 15, 1 << 15]]])("refuses samples of %j", async (sampleShape) => {
    const root = await folderOf({ "train/a/1.png": solid([1, 1, 1]).png().toBuffer() });
    await expect(loadDataset(root, { split: "train", sampleShape })).rejects.toMatchObject({ code: "input" });
  });
});
