import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GroupsOfModel } from "../../../pipeline/groups/groups-of-model.ts";
import { writeOnnx } from "../../../src/formats/onnx/index.ts";
import { answer } from "../../fixtures/e2e/in-process.ts";
import { classifier, classifierOnnx, classifierTflite, twoInputs } from "./small-models.ts";

let folder = "";
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-groups-"));
  writeFileSync(path("small.onnx"), classifierOnnx());
  writeFileSync(path("small.tflite"), classifierTflite());
  writeFileSync(path("open.onnx"), writeOnnx(classifier("N")));
  writeFileSync(path("two.onnx"), writeOnnx(twoInputs()));
  writeFileSync(path("empty.onnx"), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function groups(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await answer(["groups", ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

describe("groups", () => {
  it("as text has the group, what it controls and what is frozen", async () => {
    const text = await groups(path("small.onnx"));
    expect(text).toContain("groups      1 of channels, 0 of rows");
    expect(text).toContain(
      "w: 4 units, a cut leaves at least 1\n  controls 5214 MACs (75.0 %), 111 parameters, 444 bytes (75.0 %)\n  w[out] 4, v[in] 4\n",
    );
    expect(text).toMatch(/graph-input: they read the model's own inputs\n {2}w\[1\] 3 at conv \(Conv\)/);
  });

  it("as JSON says the same of each format", async () => {
    for (const file of ["small.onnx", "small.tflite", "open.onnx"]) {
      const facts = JSON.parse(await groups(path(file), "--json")) as GroupsOfModel;
      expect(facts).toMatchObject({ schema: 1, file: path(file), macs: 64 * 27 * 4 + 40 });
      expect(facts.groups).toMatchObject([{ kind: "channels", units: 4, least: 1, macs: 64 * 27 * 3 + 30 }]);
      expect(facts.frozen.map(({ reason }) => reason)).toContain("graph-input");
    }
  });

  it("explains a tensor, as text and as JSON", async () => {
    const text = await groups(path("small.onnx"), "--why", "v[0]");
    expect(text).toContain("axis 0 (4)\n  group w: 4 units; with them go\n    w[0] (out)\n      through dense (Gemm)");
    const { why } = JSON.parse(await groups(path("small.onnx"), "--why", "v", "--json")) as {
      why: { tensor: string; axes: unknown[] };
    };
    expect([why.tensor, why.axes.length]).toEqual(["v", 2]);
  });

  it("draws, and replaces what it drew before", async () => {
    writeFileSync(path("g.svg"), "old");
    await groups(path("small.onnx"), "--svg", path("g.svg"));
    expect(readFileSync(path("g.svg"), "utf8")).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    await groups(path("small.onnx"), "--why", "w", "--svg", path("h.svg"));
    expect(readFileSync(path("h.svg"), "utf8")).toBe(readFileSync(path("g.svg"), "utf8"));
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("of a model of which nothing can be cut says so, and that is no error", async () => {
    expect(await groups(path("two.onnx"))).toContain("none: nothing can be cut");
  });
});

describe("groups of what is no model", () => {
  it.each([
    [["missing.onnx"], "does not exist"],
    [["empty.onnx"], "is empty"],
    [["small.onnx", "--input", "nosuch:1,2"], "nosuch"],
    [["small.onnx", "--why", "ww"], 'Did you mean "w"?'],
    [["small.onnx", "--why", "w[4]"], "0 to 3"],
    [["small.onnx", "extra"], "too many arguments"],
    [[], "missing required argument"],
  ])("%j: exit code 1, a message, and nothing on standard output", async ([name, ...rest], fact) => {
    const args = name === undefined ? [] : [path(name), ...rest];
    const { code, stdout, stderr } = await answer(["groups", ...args, "--json"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(fact);
  });

  it("and a picture in a folder that is not there leaves nothing behind", async () => {
    const { code, stdout, stderr } = await answer(["groups", path("small.onnx"), "--svg", path("none/g.svg")]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("Check that its folder exists");
    expect(existsSync(path("none"))).toBe(false);
  });
});
