import { describe, expect, it } from "vitest";
import type { Graph } from "../../../../src/ir/index.ts";
import { cutGraph, findGroups } from "../../../../src/prune/index.ts";
import { float32, toFloat32 } from "../../../../src/tensor/index.ts";
import { cutUnits, differenceOf, planter, recoverUnits } from "./planted.ts";

/** `make` has five channels behind a ReLU, of which channel 2 is 1.5 everywhere and channel 4 0; `read` is what `reader` adds. */
function constantChannel(
  name: string,
  shape: readonly (number | string)[],
  reader: (g: ReturnType<typeof planter>, made: number) => number,
): Graph {
  const g = planter(name);
  const weight = Float32Array.from({ length: 10 }, () => g.random.normal());
  weight.fill(0, 4, 6);
  weight.fill(0, 8, 10);
  const kernel = shape.slice(2).map(() => 1);
  const w = g.builder.constant("make.w", float32([5, 2, ...kernel], weight));
  const b = g.builder.constant("make.b", float32([5], [0.1, 0.2, 1.5, 0.3, -1]));
  const made = g.node("Relu", [g.node("Conv", [g.input(...shape), w, b])]);
  return g.done(reader(g, made));
}

const READERS: Readonly<Record<string, () => Graph>> = {
  "a convolution without bias": () =>
    constantChannel("conv", ["N", 2, 5, 5], (g, made) => g.node("Conv", [made, g.weight("w", 3, 5, 3, 3)], {}, "read")),
  "a convolution in front of a batch normalisation": () =>
    constantChannel("norm", ["N", 2, 5, 5], (g, made) => {
      const y = g.node("Conv", [made, g.weight("w", 3, 5, 3, 3)], {}, "read");
      const parts = [
        [1, 2, 3],
        [0, 1, 2],
        [3, 2, 1],
        [1, 0.5, 2],
      ].map((values, i) => g.builder.constant(`bn.${i}`, float32([3], values)));
      return g.node("BatchNormalization", [y, ...parts], {}, "bn");
    }),
  "a convolution behind a depthwise one": () =>
    constantChannel("depthwise", ["N", 2, 5, 5], (g, made) => {
      const deep = g.node("Conv", [made, g.weight("d", 5, 1, 3, 3)], { group: 5 }, "deep");
      return g.node("Conv", [deep, g.weight("w", 3, 5, 1, 1), g.weight("b", 3)], {}, "read");
    }),
  "a product with an addend behind it": () =>
    constantChannel("addend", ["N", 2, 5], (g, made) => {
      const turned = g.node("Transpose", [made], { perm: [0, 2, 1] });
      const product = g.node("MatMul", [turned, g.weight("w", 5, 4)], {}, "read");
      return g.node("Add", [g.weight("positions", 5, 4), product]);
    }),
  "a product without addend": () =>
    constantChannel("product", ["N", 2, 5], (g, made) => g.node("MatMul", [g.weight("w", 4, 5), made], {}, "read")),
  "a Gemm behind a flatten": () =>
    constantChannel("flat", ["N", 2, 3], (g, made) =>
      g.node("Gemm", [g.node("Flatten", [made]), g.weight("w", 4, 15)], { transB: 1 }, "read"),
    ),
};

describe("bias absorption", () => {
  it.each(Object.keys(READERS))("takes up a channel that is constant, exactly: %s", async (name) => {
    const graph = READERS[name]!();
    const groups = findGroups(graph);
    const small = cutGraph(graph, groups, cutUnits(groups, "make.w", [2, 4]));
    expect(await differenceOf(graph, small)).toBeGreaterThan(0.02);
    const { graph: found, layers } = await recoverUnits(graph, [2, 4], { method: "bias" });
    expect(layers.map(({ node, reason }) => ({ node, reason }))).toEqual([{ node: "read", reason: undefined }]);
    expect(layers[0]!.after).toBeLessThan(1e-5);
    expect(await differenceOf(graph, found)).toBeLessThan(1e-5);
    // Weights stay those of the cut.
    const weights = (g: Graph) => toFloat32([...g.values.values()].find((value) => value.name === "w")!.data!).join();
    expect(weights(found)).toBe(weights(small));
    const ops = found.nodes.map(({ op }) => op);
    expect(ops.filter((op) => op === "Add")).toHaveLength(name.includes("product") ? 1 : 0);
  });

  it("takes the mean over all positions, where padding makes the border differ", async () => {
    const graph = constantChannel("padded", ["N", 2, 4], (g, made) =>
      g.node("Conv", [made, g.weight("w", 1, 5, 3), g.weight("b", 1)], { pads: [1, 1] }, "read"),
    );
    const { graph: found, layers } = await recoverUnits(graph, [2], { method: "bias" });
    const constant = (g: Graph, label: string) =>
      toFloat32([...g.values.values()].find((value) => value.name === label)!.data!);
    const [left, middle, right] = constant(graph, "w").subarray(6, 9) as unknown as [number, number, number];
    // Four positions, of which the first has nothing under its left tap, and the last under its right one.
    const mean = (1.5 * (3 * left + 4 * middle + 3 * right)) / 4;
    expect(constant(found, "b")[0]! - constant(graph, "b")[0]!).toBeCloseTo(mean, 5);
    expect(layers[0]!.after).toBeGreaterThan(0);
    expect(layers[0]!.after).toBeLessThan(layers[0]!.before!);
  });
});
