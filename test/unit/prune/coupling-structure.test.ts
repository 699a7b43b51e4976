import { describe, expect, it } from "vitest";
import type { Graph, ValueId } from "../../../src/ir/index.ts";
import { cutGraph, findGroups, proveGroups } from "../../../src/prune/index.ts";
import { float32, fromNumbers, int64s, scalar } from "../../../src/tensor/index.ts";
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

/** Places first: [4, 4, N, C]. */
const turned = (g: Drawing, x: ValueId) => g.node("Transpose", [x], { perm: [2, 3, 0, 1] });

const positions = (g: Drawing, shape: number[], values: number[]) =>
  g.builder.constant("at", fromNumbers("int64", shape, values));

/** Operators that name or mix places, beside which channels can be cut. */
const indexed: readonly [string, number | string, (g: Drawing, x: ValueId) => ValueId, string][] = [
  [
    "GatherND of rows of places",
    "N",
    (g, x) => turned(g, g.node("GatherND", [turned(g, x), positions(g, [3, 1], [2, 0, 2])])),
    "first.w[out] 4, first.b 4, fc.w[in] 4 | 4",
  ],
  [
    "ScatterND of places",
    2,
    (g, x) => {
      const at = positions(g, [2, 2], [0, 1, 3, 3]);
      return turned(g, g.node("ScatterND", [turned(g, x), at, g.weight("updates", 2, 2, 4)], { reduction: "add" }));
    },
    "first.w[out] 4, first.b 4, updates[out] 4, fc.w[in] 4 | 4",
  ],
  [
    "Compress of places",
    "N",
    (g, x) => g.node("Compress", [x, g.builder.constant("kept", fromNumbers("bool", [3], [1, 0, 1]))], { axis: 2 }),
    "first.w[out] 4, first.b 4, fc.w[in] 4 | 4",
  ],
  [
    "OneHot of the best place",
    "N",
    (g, x) => {
      const best = g.node("ArgMax", [x], { axis: 3, keepdims: 0 });
      const depth = g.builder.constant("depth", int64s([4]));
      const hot = g.node("OneHot", [best, depth, g.builder.constant("values", float32([2], [0, 1]))]);
      return g.node("Mul", [x, hot]);
    },
    "first.w[out] 4, first.b 4, fc.w[in] 4 | 4",
  ],
  [
    "DFT of columns",
    "N",
    (g, x) => {
      const spectrum = g.node("DFT", [
        g.node("Unsqueeze", [x, g.ints(4)]),
        null,
        g.builder.constant("axis", scalar("int64", 2)),
      ]);
      return g.node("ReduceSum", [spectrum, g.ints(4)], { keepdims: 0 });
    },
    "first.w[out] 4, first.b 4, fc.w[in] 4 | 4",
  ],
];

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
    expect(frozenLines(findGroups(h.done(h.head(over))))).toContain("first.w[0] norm-statistics");
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

  it.each(indexed)("%s lets channels pass", async (name, batch, middle, line) => {
    expect(groupLines(await expectProved(between(name, middle, batch)))).toEqual([line]);
  });

  it("cuts both sides of a deformable convolution", async () => {
    const graph = between(
      "deformed",
      (g, x) => {
        const offsets = g.weight("offsets", 2, 2, 4, 4);
        return g.node("DeformConv", [x, g.weight("w", 6, 4, 1, 1), offsets, g.weight("w.b", 6)]);
      },
      2,
    );
    expect(groupLines(await expectProved(graph))).toEqual([
      "first.w[out] 4, first.b 4, w[in] 4 | 4",
      "w[out] 6, w.b 6, fc.w[in] 6 | 6",
    ]);
  });

  it("tracks no deformable convolution in groups, of channels or of offsets", () => {
    for (const attrs of [{ group: 2 }, { offset_group: 2 }]) {
      const graph = between(
        "groups",
        (g, x) => {
          const offsets = g.weight("offsets", 2, 2 * (attrs.offset_group ?? 1), 4, 4);
          return g.node("DeformConv", [x, g.weight("w", 6, attrs.group === 2 ? 2 : 4, 1, 1), offsets], attrs);
        },
        2,
      );
      expect(frozenLines(findGroups(graph))).toContain("first.w[0] shared-blocks");
    }
  });

  it("keeps the size of what a Compress without an axis flattens", () => {
    const g = draw("flat");
    const x = g.conv(g.input(2, 3, 4, 4), "first", 4);
    const condition = g.builder.constant("kept", fromNumbers("bool", [3], [1, 0, 1]));
    expect(frozenLines(findGroups(g.done(g.node("Compress", [x, condition]))))).toContain("first.w[0] mixed");
  });
});
