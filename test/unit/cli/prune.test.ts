import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Pruning } from "../../../pipeline/prune-model/result.ts";
import { vitTiny } from "../../../src/architectures/index.ts";
import { readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { valueById } from "../../../src/ir/index.ts";
import { answer } from "../../fixtures/e2e/in-process.ts";
import { SMALL, tinyModel, writeTinyData } from "../../fixtures/e2e/tiny-inputs.ts";
import { classifierTflite, twoInputs } from "./small-models.ts";

let folder = "";
let data = "";
let model = "";
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "espalier-prune-"));
  data = path("corners");
  writeTinyData(data, { train: 320, test: 80 });
  writeFileSync(path("new.onnx"), writeOnnx(tinyModel(1, SMALL)));
  writeFileSync(path("small.tflite"), classifierTflite());
  writeFileSync(path("two.onnx"), writeOnnx(twoInputs()));
  model = path("model.onnx");
  const training = ["--data", data, "--rate", "0.05", "--epochs", "5", "--batch", "16", "--out", model];
  expect((await answer(["finetune", path("new.onnx"), ...training])).code).toBe(0);
});
beforeEach(() => {
  for (const name of readdirSync(folder)) if (name.startsWith("out")) rmSync(path(name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function pruned(...args: string[]): Promise<Pruning> {
  const { code, stdout, stderr } = await answer(["prune", ...args, "--json", "--quiet"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Pruning;
}

describe("prune", () => {
  it("halves the MACs by weights alone, proves the cut and writes what it proved", async () => {
    const result = await pruned(model, "--keep-macs", "0.5", "--out", path("out.onnx"));
    expect(result).toMatchObject({ schema: 1, criterion: "l1", method: "one-shot", recovery: "none", data: null });
    expect(result.after.macs).toBeLessThanOrEqual(0.5 * result.before.macs);
    expect(result.after.macs).toBeGreaterThan(0.3 * result.before.macs);
    expect(result.after.parameters).toBeLessThan(result.before.parameters);
    expect(result.proof.difference).toBeLessThanOrEqual(result.proof.tolerance);
    expect(result.proof.effect).toBeGreaterThan(10 * result.proof.tolerance);
    const stored = [...readOnnx(readFileSync(path("out.onnx"))).values.values()].flatMap(({ type, data: own }) =>
      own !== undefined && type.dtype === "float32" && type.shape.length > 0 ? [own.data.length] : [],
    );
    expect(stored.reduce((sum, size) => sum + size, 0)).toBe(result.after.parameters);
    const units = result.groups.map(({ units: size, kept }) => size - kept).reduce((a, b) => a + b);
    expect(units).toBeGreaterThan(0);
  });

  it("judges with samples, and recovers without labels", async () => {
    const ask = (recover: string) =>
      pruned(
        ...[model, "--keep-macs", "0.4", "--data", data, "--criterion", "taylor", "--recover", recover],
        ...["--out", path("out.onnx"), "--force"],
      );
    const bare = await ask("none");
    expect(bare.after.accuracy).toBe(bare.cut.accuracy);
    expect(bare.before.accuracy).toBeGreaterThan(0.9);
    const refitted = await ask("least-squares");
    expect(refitted.cut).toEqual(bare.cut);
    expect(refitted.after.accuracy).toBeGreaterThanOrEqual(bare.after.accuracy!);
    expect(refitted.after.macs).toBe(bare.after.macs);
  });

  it.each(["one-shot", "gradual"])("trains: %s", async (method) => {
    const result = await pruned(
      ...[model, "--keep", "0.6", "--data", data, "--method", method, "--epochs", "2", "--batch", "16"],
      ...["--out", path("out.onnx")],
    );
    expect(result.after.accuracy).toBeGreaterThan(0.8);
    const kept = result.groups.reduce((sum, group) => sum + group.kept, 0);
    const units = result.groups.reduce((sum, group) => sum + group.units, 0);
    expect(kept).toBeLessThanOrEqual(Math.ceil(0.6 * units));
  });

  it("takes TFLite in and out, and the same bytes come each time", async () => {
    const args = [path("small.tflite"), "--keep", "0.5", "--out", path("out.tflite")];
    const first = await pruned(...args);
    expect(first.out.engine).toContain("LiteRT");
    expect(first.groups.map(({ units, kept }) => [units, kept])).toEqual([[4, 2]]);
    expect((await pruned(...args, "--force")).out.sha256).toBe(first.out.sha256);
  });

  it("cuts the residual stream of a transformer when asked to", async () => {
    writeFileSync(path("vit.onnx"), writeOnnx(vitTiny(1, [1, 8, 8], 4, { width: 16, depth: 1, heads: 2, patch: 4 })));
    const ask = (...more: string[]) =>
      pruned(path("vit.onnx"), "--keep", "0.5", "--out", path("out.onnx"), "--force", ...more);
    const [plain, wider] = [await ask(), await ask("--norm-statistics")];
    expect(wider.groups.length).toBeGreaterThan(plain.groups.length);
    expect(wider.proof.difference).toBeLessThanOrEqual(wider.proof.tolerance);
    expect(wider.after.parameters).toBeLessThan(plain.after.parameters);
  });

  it.each(["rows", "both"])("cuts heads: --granularity %s", async (granularity) => {
    writeFileSync(path("vit.onnx"), writeOnnx(vitTiny(1, [1, 8, 8], 4, { width: 16, depth: 1, heads: 4, patch: 4 })));
    const result = await pruned(
      ...[path("vit.onnx"), "--keep", "0.5", "--granularity", granularity, "--out", path("out.onnx")],
    );
    const heads = result.groups.find(({ unit }) => unit === "heads")!;
    expect(heads.units).toBe(4);
    expect(heads.kept).toBeLessThan(4);
    expect(result.proof.difference).toBeLessThanOrEqual(result.proof.tolerance);
  });

  it("keeps the interface of the file when there are no samples", async () => {
    await pruned(path("small.tflite"), "--keep", "0.5", "--out", path("out.onnx"));
    const graph = readOnnx(readFileSync(path("out.onnx")));
    expect(valueById(graph, graph.inputs[0]!)).toMatchObject({ name: "image", type: { shape: [1, 8, 8, 3] } });
  });
});

describe("prune refuses", () => {
  it.each<[string, readonly string[], number, RegExp]>([
    ["no aim", [], 1, /How much shall stay/],
    ["two aims", ["--keep", "0.5", "--macs", "5k"], 1, /one too many/],
    ["a share above 1", ["--keep", "1.5"], 1, /share above 0/],
    ["an unknown criterion", ["--keep", "0.5", "--criterion", "l3"], 1, /l1/],
    ["a criterion of samples without any", ["--keep", "0.5", "--criterion", "taylor"], 1, /needs|takes samples/],
    ["a method without samples", ["--keep", "0.5", "--method", "gradual"], 1, /--method needs samples/],
    ["MACs that cannot be reached", ["--macs", "10"], 2, /the least that cutting units reaches is \d+/],
    ["units that the minimum forbids", ["--keep", "0.1", "--minimum", "3"], 2, /minimum and alignment leave/],
    ["an ending that is no format", ["--keep", "0.5", "--out", "x.pb"], 1, /names no format/],
  ])("%s", async (_, args, wanted, message) => {
    const { code, stdout, stderr } = await answer(["prune", model, "--out", path("out.onnx"), ...args, "--quiet"]);
    expect([code, stdout]).toEqual([wanted, ""]);
    expect(stderr).toMatch(message);
    expect(existsSync(path("out.onnx"))).toBe(false);
  });

  it("a model of which nothing can be cut, and an output that exists", async () => {
    const none = await answer(["prune", path("two.onnx"), "--keep", "0.5", "--out", path("out.onnx")]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("Nothing of this model can be cut")]);
    writeFileSync(path("out.onnx"), "mine");
    const there = await answer(["prune", model, "--keep", "0.5", "--out", path("out.onnx")]);
    expect([there.code, there.stderr]).toEqual([1, expect.stringContaining("--force")]);
    expect(readFileSync(path("out.onnx"), "utf8")).toBe("mine");
  });
});
