import { describe, expect, it } from "vitest";
import { mobilenetV2, resnet8, vitTiny } from "../../../src/architectures/index.ts";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { type Graph, hashGraph, printGraph, valueById } from "../../../src/ir/index.ts";
import { validateGraph } from "../../../src/ops/index.ts";
import {
  chooseCut,
  cutGraph,
  enclosingBlocks,
  findBlocks,
  findGroups,
  maskBlocks,
  type PruneBlock,
  proveBlocks,
  proveGroups,
  proveRemoval,
  removeBlocks,
  scoreBlocks,
  scoreGroups,
} from "../../../src/prune/index.ts";
import { runOnce } from "../../../src/runtimes/index.ts";
import { float32, fromNumbers, seededRandom, type Tensor } from "../../../src/tensor/index.ts";
import type { TrainingData } from "../../../src/train/index.ts";
import { TOPOLOGIES } from "../../topologies/index.ts";
import { draw, feedsOf } from "./draw.ts";

function inputsOf(graph: Graph): Record<string, Tensor> {
  const { name, type } = valueById(graph, graph.inputs[0]!);
  if (type.dtype === "float32") return feedsOf(graph);
  const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 2));
  const size = shape.reduce((a, b) => a * b, 1);
  const random = seededRandom(3, "tokens");
  return {
    [name]: fromNumbers(
      type.dtype,
      shape,
      Array.from({ length: size }, () => random.below(16)),
    ),
  };
}

function residual(blocks: readonly PruneBlock[]): PruneBlock[] {
  return blocks.filter(({ kind }) => kind === "residual");
}

function parametersOf(graph: Graph): number {
  return [...graph.values.values()].reduce(
    (sum, { data }) => sum + (data?.dtype === "float32" ? data.data.length : 0),
    0,
  );
}

/** Residual blocks and layers of topologies; gates of squeeze and excite count as residual blocks. */
const COUNTS: Readonly<Record<string, readonly [number, number]>> = {
  resnet: [4, 3],
  regnet: [8, 9],
  "mobilenet-v2": [4, 6],
  efficientnet: [7, 4],
  convnext: [4, 4],
  hrnet: [6, 12],
  vit: [4, 4],
  swin: [6, 6],
  bert: [4, 10],
  llama: [4, 6],
  vgg: [0, 3],
  squeezenet: [0, 0],
  autoencoder: [0, 0],
};

describe("findBlocks", () => {
  it("finds residual blocks and layers of published topologies", () => {
    const found = Object.keys(COUNTS).map((name) => {
      const blocks = findBlocks(TOPOLOGIES[name]!());
      return [name, [residual(blocks).length, blocks.length - residual(blocks).length]];
    });
    expect(Object.fromEntries(found)).toEqual(COUNTS);
  });

  it("names them after their first weight and counts what goes", () => {
    const graph = resnet8(1);
    const blocks = residual(findBlocks(graph));
    expect(blocks.map(({ name }) => name)).toEqual([1, 2, 3].map((i) => `block${i}.conv1.weight block`));
    for (const block of blocks) {
      const left = removeBlocks(graph, [block]);
      expect(parametersOf(graph) - parametersOf(left)).toBe(block.parameters);
      const names = new Set(left.nodes.map(({ name }) => name));
      expect(graph.nodes.filter(({ name }) => !names.has(name)).map(({ name }) => name)).toEqual(block.nodes);
    }
  });

  it("takes the two halves of a transformer's layer together too, with its norm where it ends in one", () => {
    for (const [name, ends] of [
      ["vit", "Add"],
      ["bert", "LayerNormalization"],
    ] as const) {
      const graph = TOPOLOGIES[name]!();
      const layers = findBlocks(graph).filter((block) => block.name.endsWith("transformer layer"));
      expect(layers).toHaveLength(2);
      for (const { output } of layers)
        expect(graph.nodes.find(({ outputs }) => outputs.includes(output))!.op).toBe(ends);
    }
  });

  it("sees no block where two different things are added", () => {
    const g = draw("sum");
    const x = g.input("N", 4, 4, 4);
    const graph = g.done(g.head(g.node("Add", [g.conv(x, "a", 6), g.conv(x, "b", 6, { kernel: 3 })])));
    expect(findBlocks(graph)).toEqual([]);
  });

  it("tells the branch from a projection", () => {
    const g = draw("projection");
    const x = g.input("N", 4, 4, 4);
    const deep = g.conv(g.node("Relu", [g.conv(x, "a", 6, { kernel: 3 })]), "b", 6, { kernel: 3 });
    const graph = g.done(g.head(g.node("Add", [deep, g.conv(x, "short", 6)])));
    const [block] = residual(findBlocks(graph));
    expect(block?.name).toBe("a.w block");
    expect([...removeBlocks(graph, [block!]).values.values()].map(({ name }) => name)).toContain("short.w");
  });

  it("sees the blocks of deep networks", () => {
    const graphs = [mobilenetV2(1), vitTiny(1, [1, 8, 8], 4, { width: 12, depth: 12, heads: 3 })];
    const found = graphs.map((graph) => residual(findBlocks(graph)));
    expect(found.map(({ length }) => length)).toEqual([4, 24]);
    expect(found[1]!.map(({ name }) => name).slice(0, 2)).toEqual([
      "block1.attention.qkv.weight block",
      "block1.mlp1.weight block",
    ]);
  });
});

describe("removing blocks", () => {
  for (const name of Object.keys(COUNTS))
    it(`${name}: the masked original computes what is left, for each block and for all`, async () => {
      const graph = TOPOLOGIES[name]!();
      const blocks = findBlocks(graph);
      const inputs = inputsOf(graph);
      const original = await runOnce(graph, inputs);
      // Each residual block, some layers, all at once: a run for each.
      const alone = [...residual(blocks), ...blocks.filter(({ kind }) => kind === "layer").slice(0, 2)];
      const choices = [...alone.map((block) => [block]), blocks].filter((set) => set.length > 0);
      for (const chosen of choices) {
        const proof = await proveBlocks(graph, chosen, { run: runOnce, inputs, original, tolerance: 1e-5 });
        const what = chosen.map((block) => block.name).join();
        expect(proof.maxAbs, what).toBeLessThanOrEqual(1e-5);
        expect(proof.effect, what).toBeGreaterThan(10 * proof.maxAbs);
      }
    });

  it("goes before channel cuts: what is left is searched, cut and proved as any graph", async () => {
    for (const graph of [resnet8(1), mobilenetV2(1), TOPOLOGIES.vit!()]) {
      const [first, ...rest] = residual(findBlocks(graph));
      const left = removeBlocks(graph, [first!]);
      validateGraph(left);
      expect(residual(findBlocks(left))).toHaveLength(rest.length);
      const groups = findGroups(left);
      const inputs = inputsOf(left);
      for (const proof of await proveGroups(left, groups, { run: runOnce, inputs }))
        expect(proof.pass, proof.name).toBe(true);
    }
  });

  it("goes after channel cuts too, and both are proved at once", async () => {
    const graph = resnet8(1);
    const groups = findGroups(graph);
    const cut = chooseCut(groups, scoreGroups(graph, groups, "l1"), { keep: 0.6, scope: "global" });
    const blocks = residual(findBlocks(graph)).slice(1);
    const proof = await proveRemoval(graph, groups, cut, blocks, { run: runOnce, inputs: feedsOf(graph) });
    expect(proof.maxAbs).toBeLessThan(1e-5);
    expect(proof.effect).toBeGreaterThan(1e-2);
    const small = removeBlocks(cutGraph(graph, groups, cut), blocks);
    expect(parametersOf(small)).toBeLessThan(parametersOf(removeBlocks(graph, blocks)));
  });

  it("is the same graph every time, in any order", () => {
    const graph = TOPOLOGIES.efficientnet!();
    const blocks = findBlocks(graph);
    const once = hashGraph(removeBlocks(graph, blocks));
    expect(hashGraph(removeBlocks(TOPOLOGIES.efficientnet!(), findBlocks(graph)))).toBe(once);
    expect(hashGraph(removeBlocks(graph, [...blocks].reverse()))).toBe(once);
    expect(removeBlocks(graph, [])).toBe(graph);
  });

  it("keeps the name of an output that a block ends in", async () => {
    const g = draw("ends");
    const x = g.conv(g.input("N", 3, 4, 4), "a", 4);
    const sum = g.node("Add", [x, g.conv(x, "b", 4, { kernel: 3 })], {}, "sum");
    const graph = g.done(sum, g.node("Relu", [sum]));
    const blocks = residual(findBlocks(graph));
    const left = removeBlocks(graph, blocks);
    expect(left.outputs.map((id) => valueById(left, id).name)).toEqual(
      graph.outputs.map((id) => valueById(graph, id).name),
    );
    expect(left.nodes.map(({ op }) => op).sort()).toEqual(["Conv", "Identity", "Relu"]);
    expect((await proveBlocks(graph, blocks, { run: runOnce, inputs: feedsOf(graph) })).maxAbs).toBe(0);
  });

  it("is caught by the proof when the wrong operand stays", async () => {
    const graph = resnet8(1);
    const [first] = residual(findBlocks(graph));
    const wrong = { ...first!, join: { ...first!.join!, operand: 1 - first!.join!.operand } };
    const proof = await proveBlocks(graph, [wrong], { run: runOnce, inputs: feedsOf(graph) });
    expect(proof.pass).toBe(false);
  });

  it("refuses blocks of another graph", () => {
    const [block] = findBlocks(TOPOLOGIES.hrnet!());
    expect(() => removeBlocks(draw("empty").done(), [{ ...block!, output: 999 }])).toThrow(EspalierError);
  });
});

describe("blocks in one another", () => {
  const g = draw("nested");
  const x = g.conv(g.input("N", 3, 4, 4), "stem", 4);
  const inner = g.conv(x, "a", 4, { kernel: 3 });
  const middle = g.node("Add", [inner, g.conv(g.node("Relu", [inner]), "b", 4, { kernel: 3 })]);
  const outer = g.node("Add", [x, g.conv(middle, "c", 4, { kernel: 3 })]);
  const graph = g.done(g.head(outer));
  const blocks = residual(findBlocks(graph));
  const [small, large] = ["b.w block", "a.w block"].map((name) => blocks.find((block) => block.name === name)!);

  it("are both found, and the outer one takes the inner one along", () => {
    expect(blocks).toHaveLength(2);
    expect(large!.nodes).toEqual(expect.arrayContaining([...small!.nodes]));
    const both = removeBlocks(graph, [small!, large!]);
    expect(printGraph(both)).toBe(printGraph(removeBlocks(graph, [large!])));
    expect(both.nodes.filter(({ op }) => op === "Conv")).toHaveLength(1);
  });

  it("are proved alone and together", async () => {
    for (const chosen of [[small!], [large!], [small!, large!]])
      expect((await proveBlocks(graph, chosen, { run: runOnce, inputs: feedsOf(graph) })).pass).toBe(true);
    expect(maskBlocks(graph, [small!, large!]).nodes.filter(({ op }) => op === "Mul")).toHaveLength(2);
  });

  it("are known to enclose one another and the groups inside", () => {
    const groups = findGroups(graph).groups;
    const within = enclosingBlocks(graph, blocks, groups);
    expect(within.get(small!.name)).toEqual([large!.name]);
    expect(within.get(large!.name)).toEqual([]);
    expect(within.get("stem.w")).toEqual([]);
    expect(within.get("a.w")).toEqual([large!.name]);
  });
});

/** Samples of noise for a graph of one image input. */
function noise(shape: readonly number[], classes: number, length = 40): TrainingData {
  const random = seededRandom(1, "noise");
  const size = shape.reduce((a, b) => a * b, 1);
  const pixels = Float32Array.from({ length: length * size }, () => random.normal());
  return {
    name: "noise",
    sampleShape: shape,
    length,
    labels: Int32Array.from({ length }, (_, i) => i % classes),
    batch: (indices) => {
      const data = new Float32Array(indices.length * size);
      for (let i = 0; i < indices.length; i++)
        data.set(pixels.subarray(indices[i]! * size, (indices[i]! + 1) * size), i * size);
      return float32([indices.length, ...shape], data);
    },
  };
}

describe("scoreBlocks", () => {
  /** Blocks that add `gain` times their input, turned by a right angle: what leaves lies at atan(gain) to what enters. */
  function gained(gains: readonly number[]): Graph {
    const g = draw("gained");
    let x = g.conv(g.input("N", 3, 2, 2), "stem", 4);
    gains.forEach((gain, i) => {
      const turn = [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0];
      const kernel = turn.map((weight) => gain * weight);
      const w = g.builder.constant(`block${i}.w`, float32([4, 4, 1, 1], kernel));
      x = g.node("Add", [x, g.node("Conv", [x, w])]);
    });
    return g.done(g.head(x, 2));
  }

  it("ranks by how far a block turns its input", async () => {
    const graph = gained([0, 0.5, 4]);
    const blocks = residual(findBlocks(graph));
    const scores = await scoreBlocks(graph, blocks, noise([3, 2, 2], 2), { threads: 1 });
    const [none, some, much] = blocks.map(({ id }) => scores.get(id)!);
    expect(none).toBeCloseTo(0, 6);
    expect(some).toBeCloseTo(1 - Math.cos(Math.atan(0.5)), 5);
    expect(much).toBeCloseTo(1 - Math.cos(Math.atan(4)), 5);
  });

  it("is one minus the mean cosine, by token where there are tokens", async () => {
    const g = draw("tokens");
    const x = g.builder.input("x", { dtype: "float32", shape: ["N", 2, 2] });
    // Turns [a, b] into [-b, a]: right angles, so x + turn(x) lies at 45 degrees to x.
    const turn = g.builder.constant("turn.w", float32([2, 2], [0, 1, -1, 0]));
    const sum = g.node("Add", [x, g.node("MatMul", [x, turn])]);
    const flat = g.node("Flatten", [sum]);
    const graph = g.done(g.node("Gemm", [flat, g.weight("fc.w", 4, 2)]));
    const blocks = residual(findBlocks(graph));
    const scores = await scoreBlocks(graph, blocks, noise([2, 2], 2), { threads: 1 });
    expect(scores.get(blocks[0]!.id)!).toBeCloseTo(1 - Math.SQRT1_2, 5);
  });

  it("measures the rise of the loss without each", async () => {
    const graph = resnet8(1, [1, 8, 8], 3);
    const blocks = residual(findBlocks(graph));
    const data = noise([1, 8, 8], 3);
    const scores = await scoreBlocks(graph, blocks, data, { by: "loss", samples: 24, threads: 1 });
    expect([...scores.keys()]).toEqual(blocks.map(({ id }) => id));
    expect([...scores.values()].every(Number.isFinite)).toBe(true);
    const idle = gained([0, 1]);
    const own = residual(findBlocks(idle));
    const losses = await scoreBlocks(idle, own, noise([3, 2, 2], 2), { by: "loss", threads: 1 });
    expect(losses.get(own[0]!.id)!).toBeCloseTo(0, 6);
    expect(Math.abs(losses.get(own[1]!.id)!)).toBeGreaterThan(1e-4);
  });

  it("needs samples, and scores nothing where there is nothing", async () => {
    const graph = vitTiny(1, [1, 8, 8], 3, { width: 12, depth: 1, heads: 2 });
    const blocks = findBlocks(graph);
    await expect(scoreBlocks(graph, blocks, noise([1, 8, 8], 3, 0))).rejects.toThrow("at least one sample");
    expect((await scoreBlocks(graph, [], noise([1, 8, 8], 3))).size).toBe(0);
  });
});
