import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Conversion } from "../../../pipeline/convert/convert-model.ts";
import { judge } from "../../../pipeline/model-check/compare-runs.ts";
import { readOnnx } from "../../../src/formats/onnx/index.ts";
import { decodeTflite } from "../../../src/formats/tflite/codec/index.ts";
import { valueById } from "../../../src/ir/index.ts";
import { answer } from "../../fixtures/e2e/in-process.ts";
import { idx } from "../data/write-idx.ts";
import { classifierOnnx, classifierTflite } from "./small-models.ts";

let folder = "";
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-convert-"));
  writeFileSync(path("small.onnx"), classifierOnnx());
  writeFileSync(path("small.tflite"), classifierTflite());
});
beforeEach(() => {
  for (const name of readdirSync(folder)) if (name.startsWith("out")) rmSync(path(name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function convert(...args: string[]): Promise<Conversion> {
  const { code, stdout, stderr } = await answer(["convert", ...args, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Conversion;
}

describe("convert", () => {
  it("writes TFLite that runs as the ONNX file does, with the file's names", async () => {
    const result = await convert(path("small.onnx"), path("out.tflite"));
    expect(result).toMatchObject({
      schema: 1,
      quantize: "none",
      verified: true,
      compared: { inputs: "random", runs: 3 },
    });
    expect(result.to.engine).toContain("LiteRT");
    expect(result.outputs.map(({ name, within }) => [name, within])).toEqual([["scores", true]]);
    expect(result.outputs[0]!.relative).toBeLessThan(1e-5);
    const { tensors, inputs } = decodeTflite(readFileSync(path("out.tflite"))).subgraphs[0]!;
    expect(tensors[inputs[0]!]).toMatchObject({ name: "image", shape: [1, 8, 8, 3], dtype: "float32" });
  });

  it("writes ONNX that keeps the layout of the TFLite file, and its batch", async () => {
    expect((await convert(path("small.tflite"), path("out.onnx"))).verified).toBe(true);
    const graph = readOnnx(readFileSync(path("out.onnx")));
    const { name, type } = valueById(graph, graph.inputs[0]!);
    expect([name, type]).toEqual(["image", { dtype: "float32", shape: [1, 8, 8, 3] }]);
  });

  it("writes the same bytes each time", async () => {
    await convert(path("small.onnx"), path("out.tflite"));
    const first = readFileSync(path("out.tflite"));
    await convert(path("small.onnx"), path("out.tflite"), "--force");
    expect(readFileSync(path("out.tflite")).equals(first)).toBe(true);
  });

  it.each(["onnx", "tflite"])("stores halves with --quantize fp16, in %s", async (ending) => {
    const result = await convert(path("small.onnx"), path(`out.${ending}`), "--quantize", "fp16");
    expect(result.outputs[0]).toMatchObject({ limit: 0.01, within: true });
  });

  it("quantises with samples, keeps real inputs and outputs, and says how many steps it is off", async () => {
    const images = Uint8Array.from({ length: 24 * 192 }, (_, i) => (i * 37) % 256);
    writeFileSync(path("train-images-idx3-ubyte"), idx([24, 3, 8, 8], images));
    writeFileSync(path("train-labels-idx1-ubyte"), idx([24], new Uint8Array(24)));
    const result = await convert(path("small.onnx"), path("out.tflite"), "--quantize", "int8", "--data", folder);
    expect(result.compared).toEqual({ inputs: "data", runs: 16 });
    expect(result.outputs[0]!.steps).toBeLessThan(20);
    const { tensors, inputs, operators } = decodeTflite(readFileSync(path("out.tflite"))).subgraphs[0]!;
    expect(tensors[inputs[0]!]!.dtype).toBe("float32");
    expect(operators[0]!.opcode).toBe("QUANTIZE");
    // Back to ONNX: its own scales stay, and another form is refused.
    expect((await convert(path("out.tflite"), path("out.onnx"))).outputs[0]!.steps).not.toBeNull();
    const refused = await answer(["convert", path("out.tflite"), path("out2.onnx"), "--quantize", "fp16"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("quantised already")]);
  });

  it("prints what a person wants to know", async () => {
    const { code, stdout } = await answer(["convert", path("small.onnx"), path("out.tflite")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /small\.onnx: ONNX.*ONNX Runtime[\s\S]*out\.tflite.*LiteRT[\s\S]*scores: .* absolute, .* relative; at most 0.0001[\s\S]*Written\.\n$/,
    );
  });
});

describe("a conversion that cannot be", () => {
  it.each([
    [["small.onnx", "out.pb"], "names no format"],
    [["small.onnx", "out"], "names no format"],
    [["small.onnx", "missing/out.tflite"], "folder of the output does not exist"],
    [["missing.onnx", "out.tflite"], "does not exist"],
    [["small.onnx", "small.onnx", "--force"], "the input itself"],
    [["small.onnx", "small.tflite"], "exists already"],
    [["small.onnx", "out.tflite", "--quantize", "int8"], "needs samples"],
    [["small.onnx", "out.tflite", "--quantize", "int4"], "int4"],
    [["small.onnx", "out.tflite", "--samples", "0"], "whole number"],
    [["small.onnx", "out.tflite", "--data", "nowhere"], "nowhere"],
    [["small.onnx"], "missing required argument"],
    [["small.onnx", "out.tflite", "--forse"], "Did you mean --force?"],
  ])("%j: exit code 1, a message, no file", async (words, fact) => {
    const before = readdirSync(folder).sort();
    const args = words.map((word) =>
      /^(--|\w+$|\d)/.test(word) && word !== "out" && word !== "nowhere" ? word : path(word),
    );
    const { code, stdout, stderr } = await answer(["convert", ...args]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(fact);
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it("leaves the file that was there when the result is refused, and --force replaces it", async () => {
    writeFileSync(path("out.tflite"), "mine");
    expect((await answer(["convert", path("small.onnx"), path("out.tflite")])).code).toBe(1);
    expect(readFileSync(path("out.tflite"), "utf8")).toBe("mine");
    await convert(path("small.onnx"), path("out.tflite"), "--force");
    expect(existsSync(path("out.tflite"))).toBe(true);
    expect(readFileSync(path("out.tflite")).length).toBeGreaterThan(1000);
  });
});

describe("the bound of an output", () => {
  const difference = { name: "y", absolute: 2, relative: 0.02, steps: 2, elements: 5 };

  it("is in its own unit", () => {
    expect(judge(difference, { unit: "relative", limit: 0.01, step: null }).within).toBe(false);
    expect(judge(difference, { unit: "relative", limit: 0.02, step: null }).within).toBe(true);
    expect(judge(difference, { unit: "steps", limit: 1, step: 1 }).within).toBe(false);
    expect(judge({ ...difference, steps: 1.0000002 }, { unit: "steps", limit: 1, step: 1 }).within).toBe(true);
    expect(judge({ ...difference, absolute: 1 }, { unit: "exact", limit: 0, step: null }).within).toBe(false);
  });
});
