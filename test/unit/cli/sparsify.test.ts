import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Sparsified } from "../../../pipeline/sparsify/result.ts";
import { readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { checkMask, type MaskPattern } from "../../../src/prune/index.ts";
import { answer } from "../../fixtures/e2e/in-process.ts";
import { SMALL, writeTinyInputs } from "../../fixtures/e2e/tiny-inputs.ts";
import { draw } from "../prune/draw.ts";

let folder = "";
let model = "";
let data = "";
const path = (name: string) => join(folder, name);
const out = () => path("out.onnx");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "espalier-sparsify-"));
  ({ model, data } = await writeTinyInputs(folder, { ...SMALL, train: 320, test: 80 }));
}, 60_000);
beforeEach(() => {
  for (const name of readdirSync(folder)) if (name.startsWith("out")) rmSync(path(name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function sparsify(...args: string[]): Promise<Sparsified> {
  const { code, stdout, stderr } = await answer(["sparsify", model, ...args, "--out", out(), "--json", "--quiet"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Sparsified;
}

describe("sparsify", () => {
  it("writes 2:4 by SparseGPT, with the accuracy before and after", async () => {
    const result = await sparsify("--pattern", "2:4", "--criterion", "sparsegpt", "--data", data, "--samples", "64");
    expect(result).toMatchObject({
      schema: 1,
      pattern: "2:4",
      criterion: "sparsegpt",
      data: { lookedAt: 64, test: 80 },
      compared: { inputs: "data", samples: 8 },
    });
    expect(result.accuracy!.before).toBeGreaterThan(0.9);
    expect(result.accuracy!.after).toBeGreaterThan(0.7);
    expect(result.layers.map(({ node, eligible, share, reason }) => [node, eligible, share, reason])).toEqual([
      ["stem", false, 0, "1 input channel: none has to go"],
      ["depthwise", false, 0, "1 input channel a group: none has to go"],
      ["pointwise", true, 0.5, null],
      ["wide", true, 0.5, null],
      ["classifier", true, 0.5, null],
    ]);
    expect(result.masked.zeros).toBe(result.masked.weights / 2);
    const graph = readOnnx(readFileSync(out()));
    const checked = checkMask(graph, { kind: "n-of-m", n: 2, m: 4 }, new Set(["pointwise", "wide", "classifier"]));
    expect(checked).toMatchObject({ violations: 0, layers: { length: 3 } });
    expect(result.differences[0]!.absolute).toBeGreaterThan(0);
    const ampere = result.uses.find(({ target }) => target === "ampere")!;
    expect(ampere).toMatchObject({ faster: false, layers: { hold: 3, win: 0 } });
    expect(result.layers.every(({ stored }) => stored === null)).toBe(true);
  });

  it.each<[string[], MaskPattern]>([
    [["unstructured", "--sparsity", "0.7"], { kind: "unstructured", sparsity: 0.7, scope: "layer" }],
    [["unstructured", "--scope", "global"], { kind: "unstructured", sparsity: 0.5, scope: "global" }],
    [["kernel", "--sparsity", "0.4"], { kind: "kernel", sparsity: 0.4 }],
    [["stripe"], { kind: "stripe", sparsity: 0.5 }],
    [["pattern:3"], { kind: "pattern", sparsity: 0.5, library: 3 }],
    [["block:2x4", "--sparsity", "0.3"], { kind: "block", rows: 2, columns: 4, sparsity: 0.3 }],
    [["1:8"], { kind: "n-of-m", n: 1, m: 8 }],
  ])("%j without samples", async ([name, ...flags], pattern) => {
    const result = await sparsify("--pattern", name!, ...flags);
    expect(result).toMatchObject({ asked: pattern, criterion: "magnitude", data: null, accuracy: null });
    expect(result.compared).toEqual({ inputs: "random", samples: 1 });
    const nodes = new Set(result.layers.filter(({ eligible }) => eligible).map(({ node }) => node));
    expect(nodes.size).toBeGreaterThan(0);
    expect(checkMask(readOnnx(readFileSync(out())), pattern, nodes).violations).toBe(0);
  });

  it("gives the same bytes each time, and leaves out what it is told to", async () => {
    const run = () =>
      sparsify("--pattern", "unstructured", "--criterion", "wanda", "--data", data, "--exclude", "wide*", "--force");
    const [one, again] = [await run(), await run()];
    expect(again).toEqual(one);
    expect(one.layers.find(({ node }) => node === "wide")).toMatchObject({ zeros: 0, reason: "it was left out" });
  });

  it("says which target gains, by the real zeros and the layers' sizes", async () => {
    const g = draw("large");
    const wide = g.conv(g.node("Relu", [g.conv(g.input("N", 3, 16, 16), "stem", 256)]), "wide", 256);
    writeFileSync(path("large.onnx"), writeOnnx(g.done(g.head(wide))));
    const { code, stdout } = await answer([
      "sparsify",
      path("large.onnx"),
      "--pattern",
      "1:4",
      "--out",
      out(),
      "--quiet",
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/wide +Conv +65536 +49152 +75.00 %/);
    expect(stdout).toContain("ampere (a100-pcie-80gb): faster: 2 layers hold 2:4, and sparse kernels win in 1");
    expect(stdout).toContain("Stored smaller: on ampere 73728 bytes for the weights of 1 layer instead of 131072");
    expect(stdout).toMatch(/cpu \(host-cpu\), mcu \(stm32l4r5\): no faster and no smaller/);
    const dense = await answer([
      "sparsify",
      path("large.onnx"),
      "--pattern",
      "4:8",
      "--out",
      path("out2.onnx"),
      "--quiet",
    ]);
    expect(dense.stdout).toContain("no faster: no layer holds 2:4");
    expect(dense.stdout).toContain("no target uses these zeros");
  });

  it("prints what a person wants to know", async () => {
    const { code, stdout } = await answer([
      "sparsify",
      model,
      "--pattern",
      "2:4",
      "--data",
      data,
      "--out",
      out(),
      "--quiet",
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /tiny\.onnx: 2:4, by magnitude\n\nlayer .*zeros[\s\S]*stem +Conv .* dense: 1 input channel[\s\S]*Zeros: \d+ of \d+ weights[\s\S]*Largest difference from the original on 8 test samples: .* relative[\s\S]*Accuracy on 80 test samples: .* before, .* after\.\nWhat gains by the zeros:\n[\s\S]*Written: .*out\.onnx/,
    );
  });
});

describe("a request that cannot be met", () => {
  it.each<[number, string[], string]>([
    [1, [], "--pattern is missing"],
    [1, ["--patern", "2:4"], "(Did you mean --pattern?)"],
    [1, ["--pattern", "blok"], 'Did you mean "block"?'],
    [1, ["--pattern", "block:4"], '"4" is no block such as 4x4'],
    [1, ["--pattern", "pattern:x"], '"x" is no number of patterns'],
    [1, ["--pattern", "kernel:3"], "it takes no size"],
    [1, ["--pattern", "4:4"], "n of an n:4 pattern must be a whole number from 1 to 3"],
    [1, ["--pattern", "2:4", "--sparsity", "0.5"], "--sparsity 0.5 contradicts 2:4"],
    [1, ["--pattern", "2:4", "--scope", "global"], '--scope goes with the pattern "unstructured"'],
    [1, ["--pattern", "kernel", "--sparsity", "1.5"], "a share above 0 and below 1"],
    [1, ["--pattern", "2:4", "--criterion", "wanda"], "--criterion wanda looks at the inputs of layers"],
    [1, ["--pattern", "2:4", "--criterion", "obs"], "Allowed choices are magnitude, wanda, sparsegpt"],
    [1, ["--pattern", "2:4", "--exclude", "nothing*"], "No trainable weight is called"],
    [2, ["--pattern", "kernel", "--sparsity", "0.95"], 'weight "stem.weight"'],
    [2, ["--pattern", "block:512x512"], "No layer can hold blocks of 512 x 512"],
  ])("exit code %i for %j, a message, no file", async (expected, args, fact) => {
    const { code, stdout, stderr } = await answer(["sparsify", model, ...args, "--out", out(), "--quiet"]);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toContain(fact);
    expect(readdirSync(folder).filter((name) => name.startsWith("out"))).toEqual([]);
  });

  it.each([
    ["out.tflite", "Sparse models are written as ONNX"],
    ["tiny.onnx", "the input itself"],
    ["missing/out.onnx", "folder of the output does not exist"],
  ])("a place that is none: %s", async (name, fact) => {
    const { code, stderr } = await answer([
      "sparsify",
      model,
      "--pattern",
      "2:4",
      "--out",
      path(name),
      "--force",
      "--quiet",
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(fact);
  });

  it("leaves a file that was there, unless it is forced", async () => {
    writeFileSync(out(), "mine");
    const { code, stderr } = await answer(["sparsify", model, "--pattern", "2:4", "--out", out(), "--quiet"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("exists already")]);
    expect(readFileSync(out(), "utf8")).toBe("mine");
  });
});
