import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploy } from "../../pipeline/deploy.ts";
import { silent } from "../../pipeline/progress.ts";
import { vitTiny } from "../../src/architectures/index.ts";
import { loadDataset } from "../../src/data/index.ts";
import { writeOnnx } from "../../src/formats/onnx/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import type { Report } from "../../src/report/index.ts";
import { train } from "../../src/train/index.ts";
import { totalMacs } from "../../targets/index.ts";
import { CLASSES, SIDE, SMALL, tinyModel, writeTinyData } from "../fixtures/e2e/tiny-inputs.ts";

let folder: string;
let data: string;

/** Trains a graph on the corners and writes it. */
async function trained(name: string, graph: Graph, steps: number): Promise<string> {
  const training = await loadDataset(data, { split: "train", sampleShape: [1, SIDE, SIDE] });
  const result = await train(graph, training, { steps, batch: 32, seed: 1, threads: 1 });
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, writeOnnx(result.graph));
  return file;
}

async function deployed(model: string, granularity: string, macs: number): Promise<Report> {
  const out = join(folder, `${granularity}-${macs}`);
  const { report } = await deploy({ target: "ampere", model, data, out, granularity, macs, epochs: 1 }, silent);
  return report;
}

/** What was cut, by what it is: units left of units. */
function cuts(report: Report): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { unit, unitsBefore, unitsAfter } of report.groups)
    if (unitsAfter < unitsBefore) found[unit!] = [...(found[unit!] ?? []), `${unitsAfter}/${unitsBefore}`];
  return found;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-granularity-"));
  data = join(folder, "corners");
  writeTinyData(data, SMALL);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("deploy --granularity", () => {
  it("heads: cuts whole heads of a transformer and nothing else", { timeout: 180_000 }, async () => {
    const graph = vitTiny(1, [1, SIDE, SIDE], CLASSES, { patch: 2, width: 32, depth: 1, heads: 4 });
    const model = await trained("vit", graph, 60);
    const macs = totalMacs(graph);
    const report = await deployed(model, "heads", Math.floor(0.9 * macs));
    expect(Object.keys(cuts(report))).toEqual(["heads"]);
    expect(report.proofs.filter(({ pass }) => !pass)).toEqual([]);
    expect(report.proofs.map(({ id }) => id)).toContain("cut:the chosen cut");
    expect(report.requirements.find(({ id }) => id === "macs")).toMatchObject({ verdict: "pass" });
    // A number of heads is no channel count: the device pads the columns of a weight, not the products of a batch.
    expect(report.requirements.find(({ id }) => id === "rule:channel-grain")).toMatchObject({ verdict: "pass" });
    const both = await deployed(model, "channels,heads", Math.floor(0.5 * macs));
    expect(both.requirements.find(({ id }) => id === "macs")).toMatchObject({ verdict: "pass" });
    expect(both.proofs.filter(({ pass }) => !pass)).toEqual([]);
  });

  it("blocks: removes residual blocks whole and nothing else", { timeout: 180_000 }, async () => {
    const graph = tinyModel(1, SMALL);
    const model = await trained("tiny", graph, 120);
    const report = await deployed(model, "blocks", Math.floor(0.9 * totalMacs(graph)));
    expect(report.groups.map(({ unit }) => unit)).toEqual(["residual block"]);
    expect(cuts(report)).toEqual({ "residual block": ["0/1"] });
    expect(report.proofs.find(({ id }) => id === "cut:depthwise.weight block")).toMatchObject({ pass: true });
    const gone = report.layers.filter(({ channelsAfter }) => channelsAfter === 0).map(({ node }) => node);
    expect(gone).toEqual(["depthwise", "pointwise"]);
    const all = await deployed(model, "all", Math.floor(0.5 * totalMacs(graph)));
    expect(all.requirements.find(({ id }) => id === "macs")).toMatchObject({ verdict: "pass" });
    expect(all.proofs.filter(({ pass }) => !pass)).toEqual([]);
  });
});
