import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readModel, readModelBytes } from "../../../pipeline/model-file.ts";
import { formatOf } from "../../../pipeline/model-format.ts";
import { sha256 } from "../../../src/io/index.ts";
import { classifierOnnx, classifierTflite } from "../cli/small-models.ts";

let folder = "";
const path = (name: string) => join(folder, name);
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** y = x + w in TensorFlow.js, w in a shard of the given path. */
function tfjs(shard: string): unknown {
  const type = { type: "DT_FLOAT" };
  const dim = (...sizes: number[]) => ({ shape: { shape: { dim: sizes.map((size) => ({ size: String(size) })) } } });
  return {
    format: "graph-model",
    modelTopology: {
      node: [
        { name: "x", op: "Placeholder", attr: { dtype: type, ...dim(1, 2) } },
        {
          name: "w",
          op: "Const",
          attr: { dtype: type, value: { tensor: { dtype: "DT_FLOAT", tensorShape: { dim: [{ size: "2" }] } } } },
        },
        { name: "y", op: "AddV2", input: ["x", "w"], attr: { T: type } },
      ],
      versions: { producer: 1 },
    },
    weightsManifest: [{ paths: [shard], weights: [{ name: "w", shape: [2], dtype: "float32" }] }],
  };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-model-file-"));
  writeFileSync(path("a.bin"), classifierOnnx());
  writeFileSync(path("b.onnx"), classifierTflite());
  mkdirSync(path("web"));
  writeFileSync(path("web/model.json"), text(tfjs("w.bin")));
  writeFileSync(path("web/w.bin"), new Uint8Array(Float32Array.of(1, 2).buffer));
  writeFileSync(path("outside.bin"), new Uint8Array(8));
  for (const [name, shard] of [
    ["up", "../outside.bin"],
    ["absolute", "/etc/passwd"],
    ["gone", "missing.bin"],
    ["link", "link.bin"],
  ] as const) {
    mkdirSync(path(name));
    writeFileSync(path(`${name}/model.json`), text(tfjs(shard)));
  }
  symlinkSync("../outside.bin", path("link/link.bin"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("readModel", () => {
  it("goes by the content, not by the ending", async () => {
    expect((await readModel(path("a.bin"))).format).toBe("onnx");
    const tflite = await readModel(path("b.onnx"));
    expect([tflite.format, tflite.name, tflite.graph.name]).toEqual(["tflite", "b", "b"]);
    expect(tflite.sha256).toBe(sha256(tflite.bytes));
  });

  it("takes a folder with a model.json, its shards, and a name from the folder", async () => {
    const model = await readModel(path("web"));
    expect([model.format, model.name, model.files.size]).toEqual(["tfjs", "web", 1]);
    expect(model.totalBytes).toBe(model.bytes.length + 8);
    const sums = [...new Map([["model.json", model.bytes], ...model.files])].map(
      ([name, bytes]) => `${sha256(bytes)}  ${name}\n`,
    );
    expect(model.sha256).toBe(
      sha256(new TextEncoder().encode(sums.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(""))),
    );
  });

  it.each([
    ["up", "not allowed"],
    ["absolute", "not allowed"],
    ["link", "leads outside"],
    ["gone", "does not exist"],
  ])("reads no weights from elsewhere: %s", async (name, fact) => {
    await expect(readModelBytes(path(name))).rejects.toMatchObject({
      code: "input",
      message: expect.stringMatching(fact),
    });
  });

  it("binds inputs of TFLite files only to values that fit", async () => {
    const bind = (value: number | readonly number[]) => readModel(path("b.onnx"), { inputValues: { image: value } });
    await expect(bind(3)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("192 elements, got 1"),
    });
    expect((await bind(new Array(192).fill(0.5))).graph.inputs).toEqual([]);
  });
});

describe("formatOf", () => {
  const bytes = (...values: (string | number)[]) =>
    new Uint8Array(Buffer.concat(values.map((v) => (typeof v === "string" ? Buffer.from(v) : Buffer.of(v)))));

  it("tells JSON from protobuf, also after a byte order mark", () => {
    expect(formatOf(bytes(0xef, 0xbb, 0xbf, ' {\n "a": 1}'), "x")).toBe("tfjs");
    expect(formatOf(bytes("{}"), "x")).toBe("tfjs");
    expect(formatOf(bytes("{", 3, 8), "x")).toBe("onnx");
    expect(formatOf(bytes(0, 0, 0, 0, "TFL3"), "x")).toBe("tflite");
  });

  it.each([
    ["PK\u0003\u0004", "ZIP"],
    ["\u001f\u008b", "gzip"],
    ["\u0080\u0002", "pickle"],
  ])("names the other frameworks' files and the way out: %j", (start, what) => {
    const file = Uint8Array.from(start, (c) => c.charCodeAt(0));
    expect(() => formatOf(file, "x.pt")).toThrowError(
      expect.objectContaining({
        code: "input",
        message: expect.stringContaining(what),
        where: "x.pt",
        hint: expect.any(String),
      }),
    );
  });
});
