import { describe, expect, it } from "vitest";
import type { Graph } from "../../../../src/ir/index.ts";
import { cutGraph, findGroups } from "../../../../src/prune/index.ts";
import { cutUnits, differenceOf, planter, recoverUnits } from "./planted.ts";

/** Graphs in which units that go are mixtures of units that stay, by what reads them. */
const GRAPHS: Readonly<Record<string, { readonly graph: () => Graph; readonly gone: readonly number[] }>> = {
  Conv: {
    gone: [3],
    graph: () => {
      const g = planter("conv");
      const made = g.node("Conv", [g.input("N", 2, 7, 6), g.mixed("make.w", [5, 2, 1, 1], { 3: [0, 1] })]);
      const window = { strides: [2, 1], dilations: [1, 2], pads: [1, 2, 0, 1] };
      return g.done(g.node("Conv", [made, g.weight("read.w", 3, 5, 3, 2)], window, "read"));
    },
  },
  "Conv with auto_pad": {
    gone: [2],
    graph: () => {
      const g = planter("same");
      const made = g.node("Conv", [g.input("N", 2, 9), g.mixed("make.w", [4, 2, 1], { 2: [0, 1] })]);
      const read = [made, g.weight("read.w", 3, 4, 4), g.weight("read.b", 3)];
      return g.done(g.node("Conv", read, { auto_pad: "SAME_LOWER", strides: [2] }, "read"));
    },
  },
  "Conv in three dimensions": {
    gone: [3],
    graph: () => {
      const g = planter("solid");
      const made = g.node("Conv", [g.input("N", 2, 4, 3, 4), g.mixed("make.w", [5, 2, 1, 1, 1], { 3: [0, 1] })]);
      const window = { strides: [1, 2, 1], pads: [0, 1, 1, 1, 1, 0] };
      return g.done(g.node("Conv", [made, g.weight("read.w", 2, 5, 2, 2, 1)], window, "read"));
    },
  },
  "Conv in groups": {
    gone: [2, 7],
    graph: () => {
      const g = planter("groups");
      const w = g.mixed("make.w", [8, 2, 1, 1], { 2: [0, 1], 7: [4, 6] });
      const made = g.node("Conv", [g.input("N", 2, 5, 5), w]);
      const read = [made, g.weight("read.w", 6, 4, 3, 3), g.weight("read.b", 6)];
      return g.done(g.node("Conv", read, { group: 2, pads: [1, 1, 1, 1] }, "read"));
    },
  },
  ConvTranspose: {
    gone: [0],
    graph: () => {
      const g = planter("transposed");
      const made = g.node("Conv", [g.input("N", 2, 4, 3), g.mixed("make.w", [4, 2, 1, 1], { 0: [1, 2] })]);
      const read = [made, g.weight("read.w", 4, 3, 3, 2)];
      return g.done(
        g.node("ConvTranspose", read, { strides: [2, 3], pads: [1, 0, 0, 1], output_padding: [1, 1] }, "read"),
      );
    },
  },
  "Gemm, weight on the right": {
    gone: [1],
    graph: () => {
      const g = planter("gemm");
      const made = g.node("Gemm", [g.input("N", 3), g.mixed("make.w", [4, 3], { 1: [0, 2] })], { transB: 1 });
      const read = [made, g.weight("read.w", 4, 2), g.weight("read.b", 1, 2)];
      return g.done(g.node("Gemm", read, { alpha: 0.5, beta: 2 }, "read"));
    },
  },
  "Gemm, weight on the left": {
    gone: [1],
    graph: () => {
      const g = planter("gemm-left");
      const made = g.node("Gemm", [g.mixed("make.w", [4, 3], { 1: [0, 2] }), g.input(20, 3)], { transB: 1 });
      const turned = g.node("Transpose", [made], { perm: [1, 0] });
      return g.done(g.node("Gemm", [g.weight("read.w", 4, 2), turned], { transA: 1, transB: 1, alpha: 3 }, "read"));
    },
  },
  "MatMul, weight on the right": {
    gone: [4],
    graph: () => {
      const g = planter("matmul");
      const x = g.node("Transpose", [g.input("N", 3, 5)], { perm: [0, 2, 1] });
      const w = g.node("Transpose", [g.mixed("make.w", [6, 3], { 4: [0, 5] })], { perm: [1, 0] });
      const made = g.node("MatMul", [x, w]);
      return g.done(g.node("MatMul", [made, g.weight("read.w", 6, 2)], {}, "read"));
    },
  },
  "MatMul, weight on the left": {
    gone: [4],
    graph: () => {
      const g = planter("matmul-left");
      const made = g.node("MatMul", [g.mixed("make.w", [6, 3], { 4: [0, 5] }), g.input("N", 3, 5)]);
      return g.done(g.node("MatMul", [g.weight("read.w", 2, 6), made], {}, "read"));
    },
  },
};

describe("least squares", () => {
  it.each(Object.keys(GRAPHS))("brings a unit that is a mixture of others back: %s", async (name) => {
    const { graph: build, gone } = GRAPHS[name]!;
    const graph = build();
    const groups = findGroups(graph);
    const small = cutGraph(graph, groups, cutUnits(groups, "make.w", gone));
    expect(await differenceOf(graph, small)).toBeGreaterThan(0.05);
    for (const sequential of [true, false]) {
      const found = await recoverUnits(graph, gone, { method: "least-squares", ridge: 1e-10, sequential });
      const [layer] = found.layers;
      expect(found.layers.map(({ node }) => node)).toEqual(["read"]);
      expect(layer!.reason).toBeUndefined();
      expect(layer!.before).toBeGreaterThan(0.05);
      expect(layer!.after).toBeLessThan(1e-5);
      expect(await differenceOf(graph, found.graph)).toBeLessThan(1e-5);
    }
  });

  it("keeps the shapes of the cut, with or without a bias that was not there", async () => {
    const { graph: build, gone } = GRAPHS.Conv!;
    const graph = build();
    const groups = findGroups(graph);
    const small = cutGraph(graph, groups, cutUnits(groups, "make.w", gone));
    const shapes = (g: Graph) => [...g.values.values()].map(({ name, type }) => `${name} ${type.shape.join("x")}`);
    const fitted = await recoverUnits(graph, gone, { method: "least-squares" });
    expect(shapes(fitted.graph).filter((line) => !line.startsWith("read.bias"))).toEqual(shapes(small));
    const plain = await recoverUnits(graph, gone, { method: "least-squares", addBias: false });
    expect(shapes(plain.graph)).toEqual(shapes(small));
    expect(plain.layers[0]!.after).toBeLessThan(1e-2);
  });
});
