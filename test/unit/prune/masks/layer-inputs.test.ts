import { describe, expect, it } from "vitest";
import type { Graph } from "../../../../src/ir/index.ts";
import { newBuilder } from "../../../../src/ops/index.ts";
import { maskLayers, maskSamples } from "../../../../src/prune/masks/index.ts";
import {
  type InputBytes,
  inputBytes,
  inputPasses,
  type MatrixLayer,
} from "../../../../src/prune/masks/input-passes.ts";
import { type Feeds, gatherInputs, sizedGraph } from "../../../../src/prune/masks/layer-inputs.ts";
import { matrixValues } from "../../../../src/prune/masks/weight-matrix.ts";
import { float32, seededRandom, type Tensor, toNumbers } from "../../../../src/tensor/index.ts";
import type { TrainingData } from "../../../../src/train/index.ts";
import { run } from "../draw.ts";
import { normals } from "./layers.ts";

/** One layer: x -> op with a weight of normal numbers. */
function layer(
  op: string,
  input: readonly (number | string)[],
  weight: readonly number[],
  attrs: Record<string, number | number[]> = {},
  left = false,
): Graph {
  const g = newBuilder("layer");
  const x = g.input("x", { dtype: "float32", shape: input });
  const size = weight.reduce((a, b) => a * b, 1);
  const w = g.constant("w", float32(weight, normals(seededRandom(1, "w"), size)));
  g.output(g.node(op, left ? [w, x] : [x, w], attrs, { name: "layer" }));
  return g.build();
}

function inputsOf(shape: readonly number[], seed = 1): Feeds {
  const size = shape.reduce((a, b) => a * b, 1);
  return { x: float32(shape, normals(seededRandom(seed, "x"), size)) };
}

function layersOf(graph: Graph): MatrixLayer[] {
  return maskLayers(graph).filter((found): found is MatrixLayer => found.matrix !== null);
}

/** Σ y² of all outputs of a run. */
async function energy(graph: Graph, feeds: Feeds): Promise<number> {
  const [y] = Object.values(await run(graph, feeds)) as [Tensor];
  return toNumbers(y).reduce((sum, value) => sum + value * value, 0);
}

describe("the inputs of a layer", () => {
  // Σ over outputs of w G wᵀ is Σ y²: the products are those of what the operator really reads, in the columns' order.
  const cases: [string, Graph, number[]][] = [
    ["Gemm", layer("Gemm", ["N", 6], [6, 4]), [5, 6]],
    ["Gemm, B turned", layer("Gemm", ["N", 6], [4, 6], { transB: 1 }), [5, 6]],
    ["Gemm, A turned", layer("Gemm", [6, 5], [6, 4], { transA: 1 }), [6, 5]],
    ["Gemm with the weight on the left", layer("Gemm", [6, 5], [4, 6], {}, true), [6, 5]],
    [
      "Gemm with the weight on the left, both turned",
      layer("Gemm", [5, 6], [6, 4], { transA: 1, transB: 1 }, true),
      [5, 6],
    ],
    ["MatMul over tokens", layer("MatMul", ["N", 7, 6], [6, 4]), [2, 7, 6]],
    ["MatMul with the weight on the left", layer("MatMul", ["N", 6, 7], [4, 6], {}, true), [3, 6, 7]],
    ["MatMul of a vector", layer("MatMul", [6], [6, 4]), [6]],
    ["Conv", layer("Conv", ["N", 3, 6, 5], [4, 3, 3, 3]), [2, 3, 6, 5]],
    [
      "Conv with strides, pads and dilation",
      layer("Conv", ["N", 3, 9, 8], [4, 3, 3, 2], { strides: [2, 1], pads: [1, 0, 2, 1], dilations: [2, 1] }),
      [2, 3, 9, 8],
    ],
    [
      "Conv of a kernel of 1 with strides",
      layer("Conv", ["N", 3, 6, 6], [4, 3, 1, 1], { strides: [2, 2] }),
      [2, 3, 6, 6],
    ],
    ["Conv in groups", layer("Conv", ["N", 6, 5, 5], [4, 3, 3, 3], { group: 2, pads: [1, 1, 1, 1] }), [2, 6, 5, 5]],
    ["depthwise Conv with a multiplier", layer("Conv", ["N", 3, 5, 5], [6, 1, 3, 3], { group: 3 }), [2, 3, 5, 5]],
    ["Conv over one axis", layer("Conv", ["N", 3, 9], [4, 3, 5], { pads: [2, 2] }), [2, 3, 9]],
  ];
  it.each(cases)("of %s", async (_, graph, shape) => {
    const feeds = inputsOf(shape);
    const [own] = layersOf(graph) as [MatrixLayer];
    const { matrix, name, value } = own;
    const gathered = (await gatherInputs(graph, [own], [feeds], "products", { threads: 1 })).get(name)!;
    const weights = matrixValues(matrix, graph.values.get(value)!.data!);
    let total = 0;
    for (let row = 0; row < matrix.rows; row++) {
      const gram = gathered.grams![Math.floor((row * matrix.groups) / matrix.rows)]!;
      for (let i = 0; i < matrix.columns; i++)
        for (let j = 0; j < matrix.columns; j++)
          total +=
            weights[row * matrix.columns + i]! * gram[i * matrix.columns + j]! * weights[row * matrix.columns + j]!;
    }
    expect(total / (await energy(graph, feeds))).toBeCloseTo(1, 5);
    const squares = (await gatherInputs(graph, [own], [feeds], "squares", { threads: 1 })).get(name)!.squares;
    squares.forEach((row, group) => {
      row.forEach((square, i) => {
        const gram = gathered.grams![group]!;
        expect(square).toBeCloseTo(gram[i * (matrix.columns + 1)]!, 9);
        expect(gathered.squares[group]![i]).toBe(gram[i * (matrix.columns + 1)]);
      });
    });
  });

  it("are added up over batches of different sizes, and over the layers that share a weight", async () => {
    const g = newBuilder("shared");
    const x = g.input("x", { dtype: "float32", shape: ["N", 4] });
    const w = g.constant("w", float32([4, 4], normals(seededRandom(1, "w"), 16)));
    const first = g.node("Gemm", [x, w], { transB: 1 }, { name: "first" });
    g.output(g.node("Gemm", [first, w], { transB: 1 }, { name: "second" }));
    const graph = g.build();
    const parts = [inputsOf([3, 4], 1), inputsOf([3, 4], 2), inputsOf([2, 4], 3)];
    const [own] = layersOf(graph) as [MatrixLayer];
    expect(own.uses).toHaveLength(2);
    const { squares } = (await gatherInputs(graph, [own], parts, "squares", { threads: 1 })).get("w")!;
    const expected = new Float64Array(4);
    const builder = newBuilder("half");
    const y = builder.node(
      "Gemm",
      [
        builder.input("x", { dtype: "float32", shape: ["N", 4] }),
        builder.constant("w", graph.values.get(own.value)!.data!),
      ],
      { transB: 1 },
    );
    builder.output(y);
    const half = builder.build();
    for (const feeds of parts)
      for (const seen of [feeds.x!, ...Object.values(await run(half, feeds))])
        toNumbers(seen).forEach((value, i) => {
          expected[i % 4]! += value * value;
        });
    squares[0]!.forEach((value, i) => {
      expect(value / expected[i]!).toBeCloseTo(1, 5);
    });
  });

  it("come in batches that fit memory, or that the graph fixes", () => {
    const sizes = (graph: Graph, shape: readonly number[], count: number) => {
      const data: TrainingData = {
        name: "zeros",
        sampleShape: shape,
        length: 40,
        labels: new Int32Array(40),
        batch: (indices) =>
          float32([indices.length, ...shape], new Float32Array(indices.length * shape.reduce((a, b) => a * b, 1))),
      };
      return Array.from(maskSamples(graph, data, count)(), (feeds) => feeds.x!.shape[0]);
    };
    expect(sizes(layer("Gemm", ["N", 6], [6, 4]), [6], 36)).toEqual([16, 16, 4]);
    expect(sizes(layer("Gemm", ["N", 6], [6, 4]), [6], 100)).toEqual([16, 16, 8]);
    expect(sizes(layer("Gemm", [6, 6], [6, 4]), [6], 10)).toEqual([6, 6]);
    // 27 x 512 x 512 elements of 32 bytes a sample: 216 MiB of the 256 that half the memory is.
    expect(sizes(layer("Conv", ["N", 3, 514, 514], [1, 3, 3, 3]), [3, 514, 514], 3)).toEqual([1, 1, 1]);
  });

  it("need samples, for each input", async () => {
    const graph = layer("Gemm", ["N", 6], [6, 4]);
    await expect(gatherInputs(graph, layersOf(graph), [], "squares")).rejects.toThrowError(/No samples were given/);
    const other = { y: float32([1, 6], new Float32Array(6)) };
    await expect(gatherInputs(graph, layersOf(graph), [other], "squares")).rejects.toThrowError(
      /no tensor for input "x"/,
    );
  });

  it("are measured in as many passes as memory asks for, and not at all when one layer takes more", () => {
    const g = newBuilder("three");
    let x = g.input("x", { dtype: "float32", shape: ["N", 8] });
    for (const [i, size] of [8, 64, 8].entries())
      x = g.node(
        "Gemm",
        [
          x,
          g.constant(
            `w${i}`,
            float32(
              [size, g.value(x).type.shape[1] as number],
              new Float32Array(size * (g.value(x).type.shape[1] as number)),
            ),
          ),
        ],
        { transB: 1 },
        { name: `g${i}` },
      );
    g.output(x);
    const graph = g.build();
    const sized = sizedGraph(graph, inputsOf([4, 8]));
    const layers = layersOf(graph);
    const bytes = layers.map((own) => inputBytes(sized, own, "products"));
    expect(bytes).toEqual([
      { running: 8 * 4 * 32, kept: 8 * 64 * 2 },
      { running: 8 * 4 * 32, kept: 8 * 64 * 2 },
      { running: 64 * 4 * 32, kept: 8 * 4096 * 2 },
    ]);
    const plan = (limit: number) => {
      const { passes, tooLarge } = inputPasses(sized, layers, "products", limit);
      return [passes.map((pass) => pass.map(({ name }) => name)), [...tooLarge.keys()]];
    };
    const [first, second, third] = bytes as [InputBytes, InputBytes, InputBytes];
    expect(plan(first.kept + second.kept + third.kept + third.running)).toEqual([[["w0", "w1", "w2"]], []]);
    expect(plan(third.kept + third.running)).toEqual([[["w0", "w1"], ["w2"]], []]);
    expect(plan(first.kept + first.running)).toEqual([[["w0"], ["w1"]], ["w2"]]);
  });
});
