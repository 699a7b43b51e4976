import { describe, expect, it } from "vitest";
import { resnet8 } from "../../../../src/architectures/index.ts";
import { writeOnnx } from "../../../../src/formats/onnx/index.ts";
import {
  cutGraph,
  type Feeds,
  findBlocks,
  findGroups,
  RECOVERY_METHODS,
  recover,
  removeBlocks,
} from "../../../../src/prune/index.ts";
import { float32, seededRandom } from "../../../../src/tensor/index.ts";
import { samples } from "../tiny.ts";
import { cutUnits, feedsFor, planter, recoverUnits } from "./planted.ts";

/** One channel of which the reader makes its output: the reader's least squares answer depends on what the channel's neighbour does. */
function pair() {
  const g = planter("pair");
  const made = g.node("Gemm", [g.input("N", 2), g.builder.constant("make.w", float32([2, 2], [1, 0, 0, 1]))]);
  return g.done(g.node("Gemm", [made, g.builder.constant("w", float32([2, 1], [1, 1]))], {}, "read"));
}

/** Eight batches in which the second input is `sign` times the first. */
function related(sign: (batch: number) => number): Feeds[] {
  const random = seededRandom(1, "related");
  return Array.from({ length: 8 }, (_, batch) => {
    const values = Array.from({ length: 8 }, () => random.normal());
    return {
      x: float32(
        [8, 2],
        values.flatMap((value) => [value, sign(batch) * value]),
      ),
    };
  });
}

describe("recover", () => {
  it("keeps the old weights where the fit is worse on samples that are held back", async () => {
    const graph = pair();
    const same = await recoverUnits(
      graph,
      [1],
      { method: "least-squares", ridge: 0 },
      related(() => 1),
    );
    expect(same.layers[0]!.reason).toBeUndefined();
    expect(same.layers[0]!.before).toBeCloseTo(0.5, 6);
    expect(same.layers[0]!.after).toBeCloseTo(0, 6);
    // Every fourth batch is held back; there the relation is turned round.
    const turned = await recoverUnits(
      graph,
      [1],
      { method: "least-squares" },
      related((i) => (i % 4 === 3 ? -0.5 : 1)),
    );
    expect(turned.layers).toEqual([
      {
        node: "read",
        op: "Gemm",
        before: turned.layers[0]!.after,
        after: turned.layers[0]!.before,
        reason: "fitting makes no less error on samples that are held back",
      },
    ]);
    const cut = await recoverUnits(graph, [1], { method: "none" });
    expect(cut.layers).toEqual([]);
    expect(writeOnnx(turned.graph)).toEqual(writeOnnx(cut.graph));
  });

  it("leaves what it cannot fit, with the reason", async () => {
    const large = await recoverUnits(pair(), [1], { method: "least-squares", memory: 10 });
    expect(large.layers).toEqual([
      {
        node: "read",
        op: "Gemm",
        before: null,
        after: null,
        reason: "the sums of its 1 features would take 144 bytes, more than 10",
      },
    ]);

    const g = planter("left");
    const made = g.node("Gemm", [g.input("N", 3), g.weight("make.w", 3, 4)]);
    const weight = g.weight("w", 4, 4);
    const twice = [made, made].map((x, i) => g.node("MatMul", [x, weight], {}, `shared${i}`));
    const scores = g.node("MatMul", [made, g.node("Transpose", [made], { perm: [1, 0] })], {}, "scores");
    const sum = g.node(
      "ReduceSum",
      [made, g.builder.constant("axes", { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) })],
      {},
      "sum",
    );
    const all = g.node("Concat", [...twice, g.node("MatMul", [scores, twice[0]!]), sum], { axis: 1 });
    const { layers } = await recoverUnits(g.done(all), [1], { method: "least-squares" });
    expect(Object.fromEntries(layers.map(({ node, reason }) => [node, reason]))).toEqual({
      shared0: 'its weight is also that of "shared1"',
      shared1: 'its weight is also that of "shared0"',
      scores: "its weight is computed",
      sum: "ReduceSum is not a linear layer",
    });
    expect(layers.every(({ before, after }) => before === null && after === null)).toBe(true);

    const none = planter("no-bias");
    const product = none.node(
      "MatMul",
      [none.node("Gemm", [none.input("N", 2), none.weight("make.w", 2, 3)]), none.weight("w", 3, 2)],
      {},
      "read",
    );
    const { layers: kept } = await recoverUnits(none.done(product), [1], { method: "bias", addBias: false });
    expect(kept[0]!.reason).toBe("it has no bias, and none may be added");
  });

  const random = seededRandom(4, "images");
  const images = samples(
    Array.from({ length: 48 }, () => Array.from({ length: 64 }, () => random.normal())),
    Array.from({ length: 48 }, (_, i) => i % 10),
    [1, 8, 8],
  );
  const graph = resnet8(1, [1, 8, 8]);
  const groups = findGroups(graph);
  const cut = new Set(
    groups.groups
      .filter(({ kind }) => kind === "channels")
      .flatMap(({ units }) => units.filter((_, i) => i % 2 === 1).map(({ id }) => id)),
  );
  const once = (method: (typeof RECOVERY_METHODS)[number], sequential: boolean) =>
    recover(graph, groups, cut, images, { method, sequential, samples: 48, threads: 1, rows: 512 });

  it.each(RECOVERY_METHODS)("gives the same bytes twice and never more error: %s", async (method) => {
    const [first, second] = [await once(method, true), await once(method, true)];
    expect(writeOnnx(second.graph)).toEqual(writeOnnx(first.graph));
    expect(second.layers).toEqual(first.layers);
    const fits = method !== "none" && method !== "batch-norm";
    expect(first.layers.map(({ node }) => node)).toEqual(
      fits
        ? [
            "block1.conv1",
            "block1.conv2",
            "block2.conv1",
            "block2.conv2",
            "block2.shortcut",
            "block3.conv1",
            "block3.conv2",
            "block3.shortcut",
            "classifier",
          ]
        : [],
    );
    for (const { before, after, reason } of first.layers) {
      if (reason === undefined) expect(after).toBeLessThan(before!);
      else expect(after).toBe(before);
    }
    expect(first.layers.filter(({ reason }) => reason === undefined).length).toBeGreaterThanOrEqual(fits ? 5 : 0);
  });

  it("fits layers to the original's inputs, as many at a time as there is room for, to the same end", async () => {
    const all = await once("least-squares", false);
    const few = await recover(graph, groups, cut, images, {
      method: "least-squares",
      sequential: false,
      samples: 48,
      threads: 1,
      rows: 512,
      memory: 2_300_000,
    });
    // Other outputs are other sessions, whose sums differ in their order.
    few.layers.forEach(({ before, after, ...rest }, i) => {
      const { before: was, after: is, ...others } = all.layers[i]!;
      expect(rest).toEqual(others);
      expect(before).toBeCloseTo(was!, 5);
      expect(after).toBeCloseTo(is!, 5);
    });
    expect(all.layers.filter(({ reason }) => reason === undefined).length).toBeGreaterThanOrEqual(5);
  });

  it("fits the layers behind a block that is gone", async () => {
    const block = findBlocks(graph).find(({ name }) => name.includes("block2"))!;
    const options = { samples: 48, threads: 1, rows: 512, blocks: [block] };
    const bare = await recover(graph, groups, new Set(), images, { ...options, method: "none" });
    expect(writeOnnx(bare.graph)).toEqual(writeOnnx(removeBlocks(graph, [block])));
    const { graph: found, layers } = await recover(graph, groups, cut, images, { ...options, method: "least-squares" });
    expect(layers.map(({ node }) => node).filter((node) => node.startsWith("block2"))).toEqual(["block2.shortcut"]);
    const last = layers.at(-1)!;
    expect(last.node).toBe("classifier");
    expect(last.after).toBeLessThan(last.before!);
    expect(found.nodes.length).toBe(removeBlocks(cutGraph(graph, groups, cut), [block]).nodes.length);
    const apart = await recover(graph, groups, new Set(), images, { ...options, method: "bias", sequential: false });
    expect(apart.layers).toEqual([]);
  });

  it("fits a layer that reads the input itself, where all in front of it is gone", async () => {
    const g = planter("first");
    const x = g.input("N", 3, 4);
    const branch = g.node("Relu", [g.node("Conv", [x, g.weight("make.w", 3, 3, 1)])]);
    const whole = g.done(g.node("Conv", [g.node("Add", [x, branch]), g.weight("w", 2, 3, 1)], {}, "read"));
    const [block] = findBlocks(whole);
    const { graph: found, layers } = await recover(whole, findGroups(whole), new Set(), feedsFor(whole, 4), {
      method: "least-squares",
      blocks: [block!],
      threads: 1,
    });
    expect(found.nodes.map(({ name }) => name)).toEqual(["read"]);
    expect(layers).toHaveLength(1);
    expect(layers[0]!.after).toBeLessThan(layers[0]!.before!);
  });

  it("refuses what it is not given", async () => {
    const data = feedsFor(pair(), 2);
    const failing = (options: Parameters<typeof recover>[4], feeds = data) => recoverUnits(pair(), [1], options, feeds);
    await expect(failing({ method: "magic" as "bias" })).rejects.toThrow('There is no way "magic" to recover a graph');
    await expect(failing({ method: "batch-norm" })).rejects.toThrow("Batch normalisation is measured on a data set");
    await expect(failing({ method: "bias" }, data.slice(1))).rejects.toThrow("at least two batches of samples, got 1");
    await expect(failing({ method: "bias", ridge: -1 })).rejects.toThrow(
      "The ridge of a recovery must be at least 0, got -1",
    );
    const g = groups.groups[0]!;
    await expect(
      recover(graph, groups, cutUnits(groups, g.name, [0]), images, { method: "bias", samples: 1 }),
    ).rejects.toThrow("at least two batches");
  });

  it("does nothing to a graph of which nothing is cut", async () => {
    const { graph: whole, layers } = await recover(graph, groups, new Set(), images, { method: "least-squares" });
    expect(whole).toBe(graph);
    expect(layers).toEqual([]);
  });
});
