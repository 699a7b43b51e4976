import { describe, expect, it } from "vitest";
import type { Graph } from "../../../src/ir/index.ts";
import { OP_TYPES, specOf } from "../../../src/ops/index.ts";
import { cutGraph, findGroups, proveGroups } from "../../../src/prune/index.ts";
import { float32, fromNumbers, scalar } from "../../../src/tensor/index.ts";
import { draw, feedsOf, frozenLines, groupLines, groupNamed, run, weightShape } from "./draw.ts";

async function expectProved(graph: Graph, inputs = feedsOf(graph)) {
  const groups = findGroups(graph);
  for (const keep of [0.5, 0.01]) {
    for (const proof of await proveGroups(graph, groups, { run, inputs, keep }))
      expect(proof.pass, `${proof.name}: ${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
  }
  return groups;
}

describe("coupling rules", () => {
  it("are declared for every operator but these, which keep the sizes of what they touch", () => {
    // An operator that is added here loses prunable channels: say why.
    const stated = {
      AffineGrid: "its grid has no channels",
      BlackmanWindow: "made of constants",
      ConstantOfShape: "made of constants",
      ConvInteger: "its input's scale is taken from the whole tensor, which a cut changes",
      DynamicQuantizeLinear: "its scale is taken from the whole tensor",
      EyeLike: "a diagonal of what is left would lie elsewhere",
      HammingWindow: "made of constants",
      HannWindow: "made of constants",
      MatMulInteger: "as ConvInteger",
      MaxUnpool: "positions count over channels",
      MelWeightMatrix: "made of constants",
      Range: "made of constants",
      Shape: "it reads sizes",
      Size: "it reads sizes",
    };
    expect(OP_TYPES.filter((op) => specOf(op).couple === "frozen")).toEqual(Object.keys(stated));
  });

  it("survive a squeeze without axes when one channel is left", async () => {
    const g = draw("squeeze");
    const x = g.node("GlobalAveragePool", [g.conv(g.input(2, 3, 4, 4), "a", 4)]);
    const flat = g.node("Squeeze", [x]);
    const wide = g.node("Unsqueeze", [flat, g.ints(2)]);
    const graph = g.done(g.node("MatMul", [g.weight("left.w", 5, 4), wide]));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual(["a.w[out] 4, a.b 4, left.w[in] 4 | 4"]);
    const small = cutGraph(graph, groups, new Set(groups.groups[0]!.units.slice(1).map((unit) => unit.id)));
    expect(weightShape(small, "Squeeze")).toEqual([2, 1]);
  });

  it("cut the features of an embedding and leave its vocabulary", async () => {
    const g = draw("embedding");
    const tokens = g.builder.input("tokens", { dtype: "int64", shape: ["N", 4] });
    const x = g.node("Add", [
      g.node("Gather", [g.weight("table", 10, 6), tokens], { axis: 0 }),
      g.weight("place", 4, 6),
    ]);
    const graph = g.done(g.node("MatMul", [x, g.weight("out.w", 6, 3)]));
    const groups = await expectProved(graph, { tokens: fromNumbers("int64", [2, 4], [0, 9, 3, 4, 5, 5, 1, 2]) });
    expect(groupLines(groups)).toEqual(["table[out] 6, place[out] 6, out.w[in] 6 | 6"]);
    expect(frozenLines(groups)).toContain("table[0] looked-up");
  });

  it("freeze an embedding's vocabulary also where the table is the output projection", () => {
    const g = draw("tied embedding");
    const tokens = g.builder.input("tokens", { dtype: "int64", shape: ["N", 4] });
    const table = g.weight("table", 10, 6);
    const x = g.node("Gather", [table, tokens], { axis: 0 });
    const logits = g.node("MatMul", [x, g.node("Transpose", [table], { perm: [1, 0] })]);
    const groups = findGroups(g.done(g.node("MatMul", [logits, g.weight("w", 10, 2)])));
    expect(groupLines(groups)).toEqual(["table[out] 6 | 6"]);
    expect(frozenLines(groups)).toContain("w[0] looked-up");
  });

  it("carry scales and zero points of quantised weights", async () => {
    const g = draw("qdq");
    const x = g.conv(g.input("N", 3, 4, 4), "first", 4);
    const quantised = g.node("DequantizeLinear", [
      g.node("QuantizeLinear", [
        x,
        g.builder.constant("s", scalar("float32", 0.02)),
        g.builder.constant("z", scalar("int8", 0)),
      ]),
      g.builder.constant("s", scalar("float32", 0.02)),
      g.builder.constant("z", scalar("int8", 0)),
    ]);
    const w = g.builder.constant(
      "w",
      fromNumbers(
        "int8",
        [6, 4, 1, 1],
        Array.from({ length: 24 }, (_, i) => ((i * 37) % 200) - 100),
      ),
    );
    const scale = g.builder.constant("w.scale", float32([6], [0.01, 0.02, 0.03, 0.01, 0.02, 0.03]));
    const zero = g.builder.constant("w.zero", fromNumbers("int8", [6], [0, 0, 0, 0, 0, 0]));
    const y = g.node("Conv", [quantised, g.node("DequantizeLinear", [w, scale, zero], { axis: 0 })]);
    const groups = await expectProved(g.done(g.head(y)));
    expect(groupNamed(groups, "first.w").texts).toEqual(["first.w[out] 4", "first.b 4", "w[in] 4"]);
    expect(groupNamed(groups, "w").texts).toEqual(["w[out] 6", "w.scale 6", "w.zero 6", "fc.w[in] 6"]);
  });

  it("let an element of a product go with either of its factors' channels", async () => {
    const g = draw("bilinear");
    const x = g.input("N", 3, 4, 4);
    const flat = (label: string, out: number) => g.node("Reshape", [g.conv(x, label, out), g.ints(0, out, 16)]);
    const product = g.node("MatMul", [flat("rows", 4), g.node("Transpose", [flat("columns", 6)], { perm: [0, 2, 1] })]);
    const features = g.node("Tanh", [g.node("Reshape", [product, g.ints(0, 24)])]);
    const graph = g.done(g.node("MatMul", [features, g.weight("fc", 24, 3)]));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual([
      "rows.w[out] 4, rows.b 4, fc[in] 24 | 4",
      "columns.w[out] 6, columns.b 6, fc[in] 24 | 6",
    ]);
    const cut = new Set([groups.groups[0]!.units[1]!.id, groups.groups[1]!.units[2]!.id]);
    expect(weightShape(cutGraph(graph, groups, cut), "fc")).toEqual([15, 3]);
  });

  it("lets a shared head take the heads that it serves", async () => {
    const g = draw("grouped queries");
    const x = g.node("MatMul", [g.input("N", 5, 6), g.weight("embed", 6, 8)]);
    const heads = (label: string, count: number) =>
      g.node(
        "Transpose",
        [g.node("Reshape", [g.node("MatMul", [x, g.weight(label, 8, count * 3)]), g.ints(0, 0, count, 3)])],
        {
          perm: [0, 2, 1, 3],
        },
      );
    const repeat = (value: number) =>
      g.node("Reshape", [
        g.node("Expand", [g.node("Unsqueeze", [value, g.ints(2)]), g.ints(1, 1, 2, 1, 1)]),
        g.ints(0, 4, 5, 3),
      ]);
    const keys = g.node("Transpose", [repeat(heads("k", 2))], { perm: [0, 1, 3, 2] });
    const scores = g.node("Softmax", [g.node("MatMul", [heads("q", 4), keys])]);
    const mixed = g.node("Transpose", [g.node("MatMul", [scores, repeat(heads("v", 2))])], { perm: [0, 2, 1, 3] });
    const graph = g.done(g.node("MatMul", [g.node("Reshape", [mixed, g.ints(0, 0, 12)]), g.weight("o", 12, 2)]));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual([
      "embed[out] 8, k[in] 8, q[in] 8, v[in] 8 | 8",
      "k[out] 6, q[out] 12 | 6",
      "v[out] 6, o[in] 12 | 6",
      "rows: k[out] 6, q[out] 12, v[out] 6, o[in] 12 | 2",
    ]);
  });
});
