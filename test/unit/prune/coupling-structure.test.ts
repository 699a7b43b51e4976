import { describe, expect, it } from "vitest";
import type { Graph, ValueId } from "../../../src/ir/index.ts";
import { cutGraph, findGroups, proveGroups } from "../../../src/prune/index.ts";
import { float32, fromNumbers, int64s } from "../../../src/tensor/index.ts";
import { draw, feedsOf, frozenLines, groupLines, run } from "./draw.ts";

async function expectProved(graph: Graph) {
  const groups = findGroups(graph);
  for (const keep of [0.5, 0.01]) {
    for (const proof of await proveGroups(graph, groups, { run, inputs: feedsOf(graph), keep }))
      expect(proof.pass, `${proof.name}: ${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
  }
  return groups;
}

type Drawing = ReturnType<typeof draw>;

/** A convolution, the operator in question, and a classifier: the channels in between are what can be cut. */
function between(name: string, middle: (g: Drawing, x: ValueId) => ValueId, batch: number | string = "N"): Graph {
  const g = draw(name);
  const x = g.conv(g.input(batch, 3, 4, 4), "first", 4);
  return g.done(g.head(middle(g, x)));
}

const channels = ["first.w[out] 4, first.b 4, fc.w[in] 4 | 4"];

describe("coupling of structural operators", () => {
  it("passes channels through Resize by scales", async () => {
    const graph = between("scales", (g, x) =>
      g.node("Resize", [x, null, g.builder.constant("scales", float32([4], [1, 1, 2, 2]))], { mode: "linear" }),
    );
    expect(groupLines(await expectProved(graph))).toEqual(channels);
  });

  it("restates the sizes of a Resize that lists its channels", async () => {
    const graph = between("sizes", (g, x) => {
      const sizes = g.builder.constant("sizes", int64s([4, 7, 7]));
      return g.node("Resize", [x, null, null, sizes], { mode: "nearest", axes: [1, 2, 3] });
    });
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual(channels);
    const small = cutGraph(graph, groups, new Set(groups.groups[0]!.units.slice(1).map((unit) => unit.id)));
    const resize = small.nodes.find((node) => node.op === "Resize")!;
    expect(Array.from(small.values.get(resize.inputs[3]!)!.data!.data as BigInt64Array)).toEqual([1n, 7n, 7n]);
  });

  it("freezes channels that are resized", () => {
    const graph = between("resized channels", (g, x) =>
      g.node("Resize", [x, null, g.builder.constant("scales", float32([4], [1, 2, 1, 1]))], { mode: "nearest" }),
    );
    expect(groupLines(findGroups(graph))).toEqual([]);
    expect(frozenLines(findGroups(graph))).toContain("first.w[0] mixed");
  });

  it("cuts the parameters of an instance normalisation", async () => {
    const graph = between("instance", (g, x) =>
      g.node("InstanceNormalization", [x, g.weight("scale", 4), g.weight("bias", 4)]),
    );
    expect(groupLines(await expectProved(graph))).toEqual([
      "first.w[out] 4, first.b 4, scale 4, bias 4, fc.w[in] 4 | 4",
    ]);
  });

  it("cuts tokens but not the features that a layer normalisation mixes", async () => {
    const g = draw("layer");
    const x = g.conv(g.input("N", 3, 4, 4), "first", 4);
    const normal = g.node("LayerNormalization", [x, g.weight("scale", 4), g.weight("bias", 4)]);
    const groups = await expectProved(g.done(g.head(normal)));
    expect(groupLines(groups)).toEqual(channels);

    const h = draw("layer over channels");
    const y = h.conv(h.input("N", 3, 4, 4), "first", 4);
    const over = h.node("LayerNormalization", [y, h.weight("scale", 4, 4, 4)], { axis: 1 });
    expect(frozenLines(findGroups(h.done(h.head(over))))).toContain("first.w[0] mixed");
  });

  it("passes channels through sampling, whose points stay", async () => {
    const graph = between(
      "grid",
      (g, x) => g.node("GridSample", [x, g.weight("grid", 2, 3, 3, 2)], { padding_mode: "border" }),
      2,
    );
    expect(groupLines(await expectProved(graph))).toEqual(channels);

    const rois = between(
      "rois",
      (g, x) => {
        const boxes = g.builder.constant("boxes", float32([2, 4], [0, 0, 3, 3, 1, 1, 3, 2]));
        const batch = g.builder.constant("batch", fromNumbers("int64", [2], [0, 1]));
        return g.node("RoiAlign", [x, boxes, batch], { output_height: 2, output_width: 2 });
      },
      2,
    );
    expect(groupLines(await expectProved(rois))).toEqual(channels);
  });

  it("freezes what a MaxPool with indices sees", () => {
    const graph = between("indices", (g, x) => {
      const attrs = { kernel_shape: [2, 2], strides: [2, 2] };
      const [pooled, at] = g.builder.nodes("MaxPool", [x], attrs, { outputs: 2 });
      return g.node("MaxUnpool", [pooled!, at!], attrs);
    });
    expect(groupLines(findGroups(graph))).toEqual([]);
  });

  it("restates the sizes of a CenterCropPad that lists its channels", async () => {
    const graph = between("crop", (g, x) => g.node("CenterCropPad", [x, g.ints(4, 2, 6)], { axes: [1, 2, 3] }));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual(channels);
    const small = cutGraph(graph, groups, new Set(groups.groups[0]!.units.slice(1).map((unit) => unit.id)));
    const crop = small.nodes.find((node) => node.op === "CenterCropPad")!;
    expect(Array.from(small.values.get(crop.inputs[1]!)!.data!.data as BigInt64Array)).toEqual([1n, 2n, 6n]);
  });

  it("cuts the indices of GatherElements and ScatterElements beside the channels, but not along the indexed axis", async () => {
    const indices = Array.from({ length: 128 }, (_, i) => (i * 7) % 4);
    const constant = (g: Drawing) => g.builder.constant("indices", fromNumbers("int64", [2, 4, 4, 4], indices));
    const rows = between("gather", (g, x) => g.node("GatherElements", [x, constant(g)], { axis: 2 }), 2);
    expect(groupLines(await expectProved(rows))).toEqual(["first.w[out] 4, first.b 4, indices[out] 4, fc.w[in] 4 | 4"]);
    const written = between(
      "scatter",
      (g, x) => g.node("ScatterElements", [x, constant(g), g.weight("updates", 2, 4, 4, 4)], { axis: -1 }),
      2,
    );
    expect(groupLines(await expectProved(written))).toEqual([
      "first.w[out] 4, first.b 4, indices[out] 4, updates[out] 4, fc.w[in] 4 | 4",
    ]);
    const mixed = between("mixed", (g, x) => g.node("GatherElements", [x, constant(g)], { axis: 1 }), 2);
    expect(groupLines(findGroups(mixed))).toEqual([]);
    expect(frozenLines(findGroups(mixed))).toContain("first.w[0] mixed");
  });
});
