import { describe, expect, it } from "vitest";
import { groupsOfModel } from "../../../pipeline/groups/groups-of-model.ts";
import { drawGroups } from "../../../pipeline/groups/picture/draw.ts";
import { lanesOf } from "../../../pipeline/groups/picture/lanes.ts";
import { layersOf } from "../../../pipeline/groups/picture/layers.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { findGroups } from "../../../src/prune/index.ts";
import { float32 } from "../../../src/tensor/index.ts";
import { TOPOLOGIES } from "../../topologies/index.ts";
import { residual } from "./graphs.ts";

function draw(graph: Graph, file = "m.onnx"): string {
  const model = { file, format: "onnx" as const, sha256: "0", graph, groups: findGroups(graph) };
  return drawGroups(model, groupsOfModel(model));
}

/** Tags that are open at the end, and whether any closes what is not open. */
function balanced(svg: string): boolean {
  const open: string[] = [];
  for (const [, close, name, self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (self === "/") continue;
    if (close === "") open.push(name!);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0;
}

describe("layers", () => {
  it("start at weights and where values meet, with what follows behind them", () => {
    const graph = residual();
    const layers = layersOf(graph, findGroups(graph));
    expect(layers.map(({ nodes }) => nodes.map(({ name }) => name))).toEqual([
      ["first", "relu"],
      ["second"],
      ["add", "mean", "flat"],
      ["dense"],
    ]);
    expect(layers.map(({ marks }) => [...marks.values()])).toEqual([["out"], ["out"], ["join"], ["in"]]);
    expect([...layers[0]!.makes.groups.values()]).toEqual([6]);
    expect(layers[0]!.reads.frozen).toEqual([{ size: 2, reason: "graph-input" }]);
    expect(layers[3]!.makes.frozen).toEqual([{ size: 3, reason: "graph-output" }]);
    expect([layers[2]!.reads.passing, layers[1]!.reads.passing]).toEqual([true, false]);
  });

  it("hold every node that computes something once", () => {
    for (const build of Object.values(TOPOLOGIES)) {
      const graph = build();
      const seen = layersOf(graph, findGroups(graph)).flatMap(({ nodes }) => nodes);
      expect(new Set(seen).size).toBe(seen.length);
      const constant = graph.nodes.filter((node) => !seen.includes(node));
      for (const { inputs } of constant)
        for (const id of inputs) expect(id === null || graph.values.get(id)!.data !== undefined).toBe(true);
    }
  });
});

describe("lanes", () => {
  it("never overlap in one column, and every group has one", () => {
    for (const build of Object.values(TOPOLOGIES)) {
      const graph = build();
      const { groups, ...rest } = findGroups(graph);
      const lanes = lanesOf(groups, layersOf(graph, { groups, ...rest }));
      expect(lanes.map(({ number }) => number).sort((a, b) => a - b)).toEqual(groups.map((_, i) => i + 1));
      for (const a of lanes)
        for (const b of lanes)
          if (a !== b && a.column === b.column) expect(a.last < b.first || b.last < a.first).toBe(true);
    }
  });
});

describe("the picture", () => {
  it("is the same for the same model, well formed, and names layers and groups", () => {
    const svg = draw(residual());
    expect(svg).toBe(draw(residual()));
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="\d+" height="\d+"/);
    expect(balanced(svg)).toBe(true);
    for (const text of [">first<", ">first.weight<", ">6 G1<", ">2 graph-input<", ">3 graph-output<"])
      expect(svg).toContain(text);
  });

  it("of every topology is well formed", () => {
    for (const [name, build] of Object.entries(TOPOLOGIES)) expect(balanced(draw(build())), name).toBe(true);
    expect(balanced("<svg><g></svg></g>")).toBe(false);
  });

  it("escapes what a model calls its tensors", () => {
    const evil = `</text><script>alert(1)</script>\u001b[31m"&'`;
    const b = newBuilder("evil");
    const x = b.input("x", { dtype: "float32", shape: [1, 3, 4, 4] });
    const w = (name: string, shape: number[]) =>
      b.constant(name, float32(shape, new Float32Array(shape.reduce((p, q) => p * q, 1)).fill(1)));
    const y = b.node("Conv", [x, w(evil, [4, 3, 1, 1])], {}, { name: `${evil}n` });
    b.output(b.node("Conv", [y, w("v".repeat(9000), [2, 4, 1, 1])], {}, { name: "last" }));
    const svg = draw(b.build(), `${evil}.onnx`);
    expect(balanced(svg)).toBe(true);
    expect(svg).not.toMatch(/<script|v{500}/);
    expect(svg).not.toContain("\u001b");
    expect(svg).toContain("&lt;/text&gt;&lt;script&gt;");
  });

  it("of a model without groups says so", () => {
    const b = newBuilder("none");
    b.output(b.node("Relu", [b.input("x", { dtype: "float32", shape: [1, 3] })]));
    expect(draw(b.build())).toContain("nothing can be cut");
  });
});
