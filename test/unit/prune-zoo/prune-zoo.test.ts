import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exposing, innerValues } from "../../../pipeline/proving/inner-values.ts";
import { runPlain } from "../../../pipeline/proving/inputs.ts";
import { unrounded } from "../../../pipeline/proving/unrounded.ts";
import { emptyRow, type PruneRow, renderPruneRow } from "../../../pipeline/prune-zoo/row.ts";
import { shareCuts } from "../../../pipeline/prune-zoo/share-cut.ts";
import { tryPrune } from "../../../pipeline/prune-zoo/try-prune.ts";
import { writeOnnx } from "../../../src/formats/onnx/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder, validateGraph } from "../../../src/ops/index.ts";
import { cutGraph, findGroups } from "../../../src/prune/index.ts";
import { float32, fromNumbers, seededRandom, toNumbers } from "../../../src/tensor/index.ts";
import { TOPOLOGIES } from "../../topologies/index.ts";
import { classifierOnnx, classifierTflite, twoInputs } from "../cli/small-models.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-prune-zoo-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tried(name: string, bytes: Uint8Array): Promise<PruneRow> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return tryPrune({ name, path, negative: name.startsWith("neg_") });
}

/** Two convolutions whose output is a sigmoid of some -1000: nothing of a cut is to be seen there. */
function saturated(): Graph {
  const random = seededRandom(2, "saturated");
  const b = newBuilder("saturated");
  const weights = (name: string, shape: number[]) =>
    b.constant(
      name,
      float32(
        shape,
        Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () => random.normal()),
      ),
    );
  const x = b.input("x", { dtype: "float32", shape: [1, 3, 4, 4] });
  const inner = b.node("Relu", [b.node("Conv", [x, weights("a", [8, 3, 1, 1])], {}, { name: "a.conv" })]);
  const last = b.node("Conv", [inner, weights("b", [2, 8, 1, 1])], {}, { name: "b.conv", outputNames: ["logits"] });
  const low = b.node("Sub", [last, b.constant("low", float32([], [1000]))]);
  b.output(b.node("Sigmoid", [low], {}, { outputNames: ["p"] }));
  return b.build();
}

describe("a model of the zoo", () => {
  it("is cut to half of its units, and proved", async () => {
    const row = await tried("a.onnx", classifierOnnx());
    expect(row).toMatchObject({ status: "ok", channels: 1, rows: 0, keep: 0.5, criterion: "l1", detail: "" });
    expect(row.macs).toEqual({ before: 64 * 27 * 4 + 40, after: 64 * 27 * 2 + 20 });
    expect(row.parameters).toEqual({ before: 148, after: 74 });
    expect(row.frozen.map(({ reason }) => reason)).toContain("graph-input");
    expect(row.proof!.difference).toBeLessThanOrEqual(row.proof!.tolerance);
    expect(row.proof!.effect).toBeGreaterThan(row.proof!.tolerance);
    expect(await tried("a.tflite", classifierTflite())).toMatchObject({ status: "ok", macs: row.macs });
  });

  it("has its whole rows proved one group at a time", async () => {
    const row = await tried("vit.onnx", writeOnnx(TOPOLOGIES.vit!()));
    expect(row).toMatchObject({ status: "ok", rows: 2, rowsProved: 2 });
  });

  it("of which nothing can be cut is whole, and one that is none is refused", async () => {
    expect(await tried("two.onnx", writeOnnx(twoInputs()))).toMatchObject({ status: "whole", macs: null });
    const garbage = await tried("neg_garbage.onnx", new TextEncoder().encode("no model at all"));
    expect([garbage.status, garbage.detail]).toEqual(["refused", expect.stringContaining("not an ONNX model")]);
  });

  it("whose outputs hide the cut is proved on values inside", async () => {
    const graph = saturated();
    const groups = findGroups(graph);
    const [half] = shareCuts(graph, groups, groups.groups, [0.5]);
    const small = cutGraph(graph, groups, half!.cut);
    const names = innerValues(graph, small);
    // The hidden channels are fewer after the cut, and so no twins.
    expect(names).toContain("logits");
    expect(names).not.toContain("a.conv");
    validateGraph(exposing(graph, names));
    const row = await tried("saturated.onnx", writeOnnx(graph));
    expect([row.status, row.detail]).toEqual(["ok", ""]);
    expect(row.proof!.effect).toBeGreaterThan(5 * row.proof!.tolerance);
  });
});

describe("a quantised graph without rounding", () => {
  it("gives the real numbers, within the range of the integers", async () => {
    const b = newBuilder("rounded");
    const scale = b.constant("scale", float32([], [0.5]));
    const zero = b.constant("zero", fromNumbers("int8", [], [10]));
    const x = b.input("x", { dtype: "float32", shape: [4] });
    const y = b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, scale, zero]), scale, zero]);
    b.output(b.node("Neg", [y], {}, { outputNames: ["y"] }));
    const graph = b.build();
    const free = unrounded(graph);
    validateGraph(free);
    const feeds = { x: float32([4], [0.3, -1.1, 1000, -1000]) };
    const values = async (model: Graph) => [...toNumbers((await runPlain(model, feeds)).y!)];
    expect(await values(graph)).toEqual([-0.5, 1, -58.5, 69]);
    const [first, second, ...ends] = await values(free);
    expect([first, second]).toEqual([expect.closeTo(-0.3), expect.closeTo(1.1)]);
    expect(ends).toEqual([-58.5, 69]);
  });
});

describe("a share of a model's units", () => {
  it("is as near as the groups allow", () => {
    for (const [name, build] of Object.entries(TOPOLOGIES)) {
      const graph = build();
      const groups = findGroups(graph);
      const channels = groups.groups.filter(({ kind }) => kind === "channels");
      const units = channels.reduce((sum, { size }) => sum + size, 0);
      const [half, most, all] = shareCuts(graph, groups, channels, [0.5, 0.01, 1]);
      expect(half!.keep, name).toBeCloseTo(1 - half!.cut.size / units);
      expect(half!.keep, name).toBeGreaterThan(0.25);
      expect(half!.keep, name).toBeLessThan(0.75);
      // Fewer than each group must keep cannot be asked for: the least is taken.
      expect(most!.cut.size, name).toBeLessThan(units);
      expect(most!.keep, name).toBeLessThan(half!.keep);
      expect(all!.cut.size, name).toBe(0);
    }
  });
});

describe("a line", () => {
  it("has the groups, what is frozen, what is left and how far masked and cut differ", () => {
    const row: PruneRow = {
      ...emptyRow("m.onnx"),
      status: "ok",
      channels: 3,
      rows: 1,
      frozen: [{ reason: "mixed", axes: 4 }],
      macs: { before: 100, after: 30 },
      parameters: { before: 10, after: 4 },
      keep: 0.5,
      criterion: "l1",
      proof: { difference: 2e-7, tolerance: 1e-4, effect: 3 },
      rowsProved: 1,
      seconds: 0.25,
    };
    expect(renderPruneRow(row, 8)).toBe(
      "m.onnx    ok         0.3 s  3 groups, 1 of rows  frozen: 4 mixed  50 % of units by l1: MACs 30 %, parameters 40 %  difference 2.0e-7 of 1.0e-4, effect 3.0e+0; 1 of rows proved apart, difference 0",
    );
    expect(renderPruneRow({ ...emptyRow("x"), detail: "no\nanswer" }, 1)).toBe("x  FAIL       0.0 s  no answer");
  });
});

describe("npm run test:prune-zoo", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", "scripts/test-prune-zoo.ts", ...args], {
      cwd: ROOT,
      encoding: "utf8",
      timeout: 120_000,
    });

  it("prints a line a model, and fails when one gives no answer in time", () => {
    writeFileSync(join(folder, "one.onnx"), classifierOnnx());
    const fine = run(folder, "--filter", "one.onnx");
    expect([fine.status, fine.stdout]).toEqual([
      0,
      expect.stringMatching(/^one\.onnx +ok .* 1 groups, 0 of rows .* difference .*\n\n1 models .* 0 FAIL\n$/),
    ]);
    const late = run(folder, "--filter", "one.onnx", "--timeout", "0.001", "--json");
    expect([late.status, (JSON.parse(late.stdout) as PruneRow[])[0]]).toMatchObject([
      1,
      { status: "FAIL", detail: expect.stringContaining("no answer within") },
    ]);
  }, 120_000);

  it("says what is wrong with its own command line", () => {
    for (const args of [["/nonexistent"], [".", "--timeout", "no"]]) {
      const { status, stderr } = run(...args);
      expect([status, stderr]).toEqual([1, expect.stringContaining("error: ")]);
    }
  }, 60_000);
});
