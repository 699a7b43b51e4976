import { describe, expect, it } from "vitest";
import {
  cutGraph,
  cutOf,
  cutShapes,
  findGroups,
  proveGroups,
  selectUnits,
  whyFrozen,
  whyTogether,
} from "../../../src/prune/index.ts";
import { draw, feedsOf, frozenLines, groupLines, groupNamed, run, weightShape } from "./draw.ts";

async function expectProved(graph: Parameters<typeof findGroups>[0]) {
  const groups = findGroups(graph);
  const proofs = await proveGroups(graph, groups, { run, inputs: feedsOf(graph), seed: 4 });
  for (const proof of proofs) {
    expect(proof.pass, `${proof.name}: ${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
    expect(proof.cut).toBeGreaterThan(0);
  }
  return groups;
}

describe("convolutional couplings", () => {
  it("ties a residual branch to its shortcut, norms included", async () => {
    const g = draw("residual");
    const stem = g.norm(g.conv(g.input("N", 3, 4, 4), "stem", 8), "bn0");
    const inner = g.node("Relu", [g.norm(g.conv(stem, "a", 6, { kernel: 3 }), "bn1")]);
    const sum = g.node("Add", [stem, g.conv(inner, "b", 8)], {}, "sum");
    const graph = g.done(g.head(g.node("Relu", [sum])));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual([
      "stem.w[out] 8, stem.b 8, bn0.scale 8, bn0.bias 8, bn0.mean 8, bn0.var 8, a.w[in] 8, b.w[out] 8, b.b 8, fc.w[in] 8 | 8",
      "a.w[out] 6, a.b 6, bn1.scale 6, bn1.bias 6, bn1.mean 6, bn1.var 6, b.w[in] 6 | 6",
    ]);
    expect(frozenLines(groups)).toEqual(["stem.w[1] graph-input", "fc.w[0] graph-output", "fc.b[0] graph-output"]);
    const id = (name: string) => [...graph.values.values()].find((v) => v.name === name)!.id;
    const place = (name: string, axis: number, position: number) => ({ value: id(name), axis, position });
    expect(whyTogether(groups, place("stem.w", 0, 2), place("b.w", 0, 2))).toEqual(["sum"]);
    expect(whyTogether(groups, place("stem.w", 0, 2), place("b.w", 0, 3))).toBeNull();
    expect(whyFrozen(groups, place("fc.w", 0, 1))).toEqual({ reason: "graph-output", node: "", through: [] });
    expect(whyFrozen(groups, place("stem.w", 1, 0))).toEqual({ reason: "graph-input", node: "stem", through: [] });
    expect(whyFrozen(groups, place("a.w", 0, 1))).toBeNull();
  });

  it("keeps the branches of a concat apart", async () => {
    const g = draw("concat");
    const x = g.input("N", 3, 4, 4);
    const joined = g.node("Concat", [g.conv(x, "left", 4), g.conv(x, "right", 6)], { axis: 1 });
    const groups = await expectProved(
      g.done(g.head(g.conv(g.node("MaxPool", [joined], { kernel_shape: [2, 2] }), "next", 5))),
    );
    expect(groupLines(groups)).toEqual([
      "left.w[out] 4, left.b 4, next.w[in] 4 | 4",
      "right.w[out] 6, right.b 6, next.w[in] 6 | 6",
      "next.w[out] 5, next.b 5, fc.w[in] 5 | 5",
    ]);
  });

  it("passes channels through depthwise convolutions, also with a multiplier", async () => {
    const g = draw("depthwise");
    const x = g.conv(g.input("N", 3, 4, 4), "expand", 6);
    const deep = g.conv(g.conv(x, "dw", 6, { kernel: 3, group: 6 }), "dw2", 12, { kernel: 3, group: 6 });
    const graph = g.done(g.head(deep));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual([
      "expand.w[out] 6, expand.b 6, dw.w[out] 6, dw.b 6, dw2.w[out] 12, dw2.b 12, fc.w[in] 12 | 6",
    ]);
    const group = groups.groups[0]!;
    const small = cutGraph(graph, groups, cutOf(group, selectUnits(group, [1, 2, 3, 4, 5, 6], 2)));
    expect(weightShape(small, "dw2.w")).toEqual([4, 1, 3, 3]);
    expect(small.nodes.filter((n) => n.op === "Conv").map((n) => n.attrs.group)).toEqual([1, 2, 2]);
  });

  it("cuts grouped convolutions inside their groups and by whole groups", async () => {
    const g = draw("grouped");
    const x = g.conv(g.input("N", 3, 4, 4), "in", 12);
    const graph = g.done(g.head(g.node("Relu", [g.conv(g.node("Relu", [x]), "blocks", 6, { kernel: 3, group: 3 })])));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual([
      "in.w[out] 12, in.b 12, blocks.w[in] 24 | 12",
      "blocks.w[out] 6, blocks.b 6, fc.w[in] 6 | 6",
      "rows: in.w[out] 12, in.b 12, blocks.w[out] 6, blocks.w[in] 24, blocks.b 6, fc.w[in] 6 | 3",
    ]);
    const own = groupNamed(groups, "in.w");
    // Each group of four channels keeps its own best two.
    const kept = selectUnits(own, [9, 8, 1, 1, 1, 9, 8, 1, 1, 1, 9, 8], 6);
    expect(kept.map((id) => own.units.findIndex((u) => u.id === id))).toEqual([0, 1, 5, 6, 10, 11]);
    expect(weightShape(cutGraph(graph, groups, cutOf(own, kept)), "blocks.w")).toEqual([6, 2, 3, 3]);
    const rows = groups.groups.find((group) => group.kind === "rows")!;
    const two = cutGraph(graph, groups, cutOf(rows, selectUnits(rows, [1, 3, 2], 2)));
    expect(weightShape(two, "in.w")).toEqual([8, 3, 1, 1]);
    expect(weightShape(two, "blocks.w")).toEqual([4, 4, 3, 3]);
    expect(two.nodes.find((n) => n.name === "blocks")!.attrs.group).toBe(2);
  });

  it("ties a squeeze-and-excite gate to what it scales", async () => {
    const g = draw("gate");
    const x = g.conv(g.input("N", 3, 4, 4), "main", 8);
    const squeeze = g.node("Relu", [g.conv(g.node("GlobalAveragePool", [x]), "down", 4)]);
    const gate = g.node("HardSigmoid", [g.conv(squeeze, "up", 8)]);
    const groups = await expectProved(g.done(g.head(g.node("Mul", [x, gate]))));
    expect(groupLines(groups)).toEqual([
      "main.w[out] 8, main.b 8, down.w[in] 8, up.w[out] 8, up.b 8, fc.w[in] 8 | 8",
      "down.w[out] 4, down.b 4, up.w[in] 4 | 4",
    ]);
  });

  it("spreads a channel over the inputs of a flatten", async () => {
    const g = draw("flatten");
    const x = g.node("Relu", [g.conv(g.input("N", 3, 4, 4), "conv", 6)]);
    const flat = g.node("Reshape", [x, g.ints(-1, 96)]);
    const hidden = g.node("Relu", [g.node("MatMul", [flat, g.weight("fc1.w", 96, 10)])]);
    const graph = g.done(g.node("Gemm", [hidden, g.weight("fc2.w", 10, 3)]));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual([
      "conv.w[out] 6, conv.b 6, fc1.w[in] 96 | 6",
      "fc1.w[out] 10, fc2.w[in] 10 | 10",
    ]);
    const group = groups.groups[0]!;
    expect(group.units[1]!.slices.at(-1)!.positions).toEqual(Array.from({ length: 16 }, (_, i) => 16 + i));
    const small = cutShapes(graph, groups, cutOf(group, selectUnits(group, [6, 5, 4, 3, 2, 1], 4)));
    expect(weightShape(small, "Reshape")).toEqual(["N", 64]);
  });

  it("follows a channel shuffle", async () => {
    const g = draw("shuffle");
    const x = g.conv(g.input("N", 3, 4, 4), "before", 8);
    const turned = g.node("Transpose", [g.node("Reshape", [x, g.ints(0, 2, 4, 4, 4)])], { perm: [0, 2, 1, 3, 4] });
    const graph = g.done(g.head(g.conv(g.node("Reshape", [turned, g.ints(0, -1, 4, 4)]), "after", 5)));
    const groups = await expectProved(graph);
    // Two rows of four: a column goes from both rows, so there are four units of two channels, neighbours after the shuffle.
    expect(groupLines(groups)).toEqual([
      "before.w[out] 8, before.b 8, after.w[in] 8 | 4",
      "after.w[out] 5, after.b 5, fc.w[in] 5 | 5",
    ]);
    expect(groups.groups[0]!.units[1]!.slices.map((s) => s.positions)).toEqual([
      [1, 5],
      [1, 5],
      [2, 3],
    ]);
  });

  it("cuts splits, slices and pads with what they select", async () => {
    const g = draw("select");
    const x = g.conv(g.input("N", 3, 4, 4), "conv", 9);
    const [left, right] = g.builder.nodes("Split", [x, g.ints(4, 5)], { axis: 1 }, { outputs: 2 });
    const odd = g.node("Slice", [right!, g.ints(0), g.ints(100), g.ints(1), g.ints(2)]);
    const padded = g.node("Pad", [left!, g.ints(1, 2), null, g.ints(1)]);
    const graph = g.done(g.head(g.conv(padded, "p", 2)), g.conv(odd, "o", 2), g.conv(right!, "r", 2));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual([
      "conv.w[out] 4, conv.b 4, p.w[in] 4 | 4",
      "conv.w[out] 3, conv.b 3, o.w[in] 3, r.w[in] 3 | 3",
      "conv.w[out] 2, conv.b 2, r.w[in] 2 | 2",
      "p.w[in] 3 | 3",
      "p.w[out] 2, p.b 2, fc.w[in] 2 | 2",
    ]);
    // 4, 6, 8 were taken by the step of 2; without 6 and 7 what is left of 4, 5, 8 is 0 and 2 of 3.
    const units = [groups.groups[1]!.units[1]!.id, groups.groups[2]!.units[1]!.id];
    const small = cutGraph(graph, groups, new Set(units));
    expect(weightShape(small, "r.w")).toEqual([2, 3, 1, 1]);
    expect(weightShape(small, "o.w")).toEqual([2, 2, 1, 1]);
  });

  it("keeps one unit for every part of a split that ends in the same weight", async () => {
    const g = draw("parts");
    const x = g.conv(g.input("N", 3, 4, 4), "conv", 6);
    const [left, right] = g.builder.nodes("Split", [x, g.ints(3, 3)], { axis: 1 }, { outputs: 2 });
    const graph = g.done(
      g.head(g.conv(g.node("Concat", [g.node("Relu", [left!]), g.node("Sigmoid", [right!])], { axis: 1 }), "n", 2)),
    );
    const groups = await expectProved(graph);
    const group = groups.groups[0]!;
    expect(group.lastOnes).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    const kept = selectUnits(group, [6, 5, 4, 3, 2, 1], 1);
    expect(kept).toEqual([group.units[0]!.id, group.units[3]!.id]);
  });

  it("couples users of tied weights", async () => {
    const g = draw("tied");
    const x = g.conv(g.input("N", 3, 4, 4), "stem", 6);
    const shared = g.weight("shared.w", 6, 6, 1, 1);
    const twice = g.node("Conv", [g.node("Relu", [g.node("Conv", [x, shared])]), shared]);
    const groups = await expectProved(g.done(g.head(twice)));
    // The same axis makes the units of the first use and is summed over in the second.
    expect(groupLines(groups)).toEqual(["stem.w[out] 6, stem.b 6, shared.w[in] 6, shared.w[out] 6, fc.w[in] 6 | 6"]);
  });

  it("says why axes are frozen", () => {
    const g = draw("frozen");
    const x = g.conv(g.input("N", 3, 4, 4), "a", 4);
    const soft = g.conv(g.node("Softmax", [x], { axis: 1 }), "b", 4);
    const mean = g.node("ReduceMean", [g.conv(soft, "c", 5), g.ints(1)], { keepdims: 1 });
    const groups = findGroups(g.done(g.conv(mean, "d", 2), g.head(soft)));
    expect(frozenLines(groups)).toEqual([
      "a.w[0] mixed",
      "a.w[1] graph-input",
      "a.b[0] mixed",
      "b.w[1] mixed",
      "c.w[0] statistics",
      "c.b[0] statistics",
      "d.w[0] graph-output",
      "d.b[0] graph-output",
      "fc.w[0] graph-output",
      "fc.b[0] graph-output",
    ]);
    expect(groupLines(groups)).toEqual(["b.w[out] 4, b.b 4, c.w[in] 4, fc.w[in] 4 | 4"]);
  });
});
