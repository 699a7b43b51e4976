import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Inspection } from "../../../pipeline/inspect/inspect-model.ts";
import { writeOnnx } from "../../../src/formats/onnx/index.ts";
import { answer } from "../../fixtures/e2e/in-process.ts";
import { classifierOnnx, classifierTflite, twoInputs } from "./small-models.ts";

let folder = "";
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-inspect-"));
  writeFileSync(path("small.onnx"), classifierOnnx());
  writeFileSync(path("small.tflite"), classifierTflite());
  writeFileSync(path("two.onnx"), writeOnnx(twoInputs()));
  writeFileSync(path("empty.onnx"), "");
  writeFileSync(path("random.onnx"), Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 7919) % 251)));
  writeFileSync(path("keras.h5"), Buffer.from("894844460d0a1a0a0000000000000000", "hex"));
  writeFileSync(path("half.tflite"), classifierTflite().subarray(0, 200));
  mkdirSync(path("saved"));
  writeFileSync(path("saved/saved_model.pb"), "x");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function inspect(...args: string[]): Promise<Inspection> {
  const { code, stdout, stderr } = await answer(["inspect", ...args, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Inspection;
}

describe("inspect --json", () => {
  it("counts parameters, work and memory by hand's figures", async () => {
    const facts = await inspect(path("small.onnx"));
    expect(facts).toMatchObject({ schema: 1, format: "onnx", arithmetic: "float32", state: [] });
    expect(facts.inputs).toEqual([{ name: "image", dtype: "float32", shape: [1, 3, 8, 8], quantization: null }]);
    expect(facts.outputs.map(({ name, shape }) => [name, shape])).toEqual([["scores", [1, 10]]]);
    expect(facts.parameters).toEqual({ count: 4 * 27 + 40, bytes: 4 * (4 * 27 + 40) });
    expect(facts.macs).toBe(64 * 27 * 4 + 40);
    // The convolution's output and the ReLU's, 4 x 8 x 8 floats each, are more than the image and the first of them.
    expect(facts.activationPeak).toEqual({ bytes: 2 * 4 * 64 * 4, node: "relu" });
    expect(facts.operators[0]).toEqual({ op: "Conv", count: 1, macs: 64 * 27 * 4 });
  });

  it("says the same of the TFLite form, with the interface of that file", async () => {
    const [onnx, tflite] = [await inspect(path("small.onnx")), await inspect(path("small.tflite"))];
    expect(tflite.format).toBe("tflite");
    expect(tflite.inputs[0]!.shape).toEqual([1, 8, 8, 3]);
    // A convolution of TFLite always has a bias, here of 4 zeros.
    expect([tflite.macs, tflite.parameters.count]).toEqual([onnx.macs, onnx.parameters.count + 4]);
  });

  it("names what each target refuses", async () => {
    const accepted = await inspect(path("small.onnx"));
    expect(accepted.targets.map(({ target, accepted }) => [target, accepted])).toEqual([
      ["cpu", true],
      ["ampere", true],
      ["npu", true],
      ["mcu", true],
    ]);
    expect(accepted.targets[3]!.memory!.arenaBytes).toBeGreaterThan(500);
    const [refused] = (await inspect(path("two.onnx"), "--target", "cpu")).targets;
    expect(refused!.accepted).toBe(false);
    expect(refused!.refusals[0]).toMatchObject({ stage: "deploy", what: expect.stringContaining("2 inputs (a, b)") });
  });
});

describe("inspect as text", () => {
  it("has the figures and says a shared refusal once", async () => {
    const { code, stdout } = await answer(["inspect", path("two.onnx")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/two\.onnx: ONNX, \d+ bytes/);
    expect(stdout.match(/deploying needs exactly one/g)).toHaveLength(1);
  });
});

describe("inspect of what is no model", () => {
  it.each([
    [["missing.onnx"], "does not exist"],
    [["empty.onnx"], "is empty"],
    [["random.onnx"], "not an ONNX model"],
    [["keras.h5"], "HDF5"],
    [["half.tflite"], ""],
    [["."], "has no model.json"],
    [["saved"], "SavedModel"],
    [["small.onnx", "--input", "nosuch:1,2"], "nosuch"],
    [["small.onnx", "--input", "nosuch=3"], "nosuch"],
    [["small.tflite", "--input", "nosuch=3"], "nosuch"],
    [["small.onnx", "--target", "mcuu"], "mcuu"],
    [["small.onnx", "extra"], "too many arguments"],
    [[], "missing required argument"],
  ])("%j: exit code 1, a message, and nothing on standard output", async ([name, ...rest], fact) => {
    const args = name === undefined ? [] : [path(name), ...rest];
    const { code, stdout, stderr } = await answer(["inspect", ...args, "--json"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(fact);
  });
});
