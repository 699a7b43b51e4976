import { expect } from "vitest";
import { type ReadOnnxOptions, readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { validateGraph } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { fromNumbers, seededRandom, sizeOf, type Tensor, toNumbers } from "../../../src/tensor/index.ts";

/** Seeded values for the inputs of a graph; the batch is 2. */
export function feedsFor(graph: Graph, seed = 1): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map((id) => {
      const { name, type } = valueById(graph, id);
      const random = seededRandom(seed, name);
      const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 2));
      const draw = () => (type.dtype.startsWith("float") ? random.normal() : random.below(2));
      return [name, fromNumbers(type.dtype, shape, Array.from({ length: sizeOf(shape) }, draw))];
    }),
  );
}

/** Reads a model, and checks that ONNX Runtime gives the same for what is read as for the original bytes; gives the graph. */
export async function expectSame(
  bytes: Uint8Array,
  options: ReadOnnxOptions & { readonly tolerance?: number; readonly bound?: Readonly<Record<string, Tensor>> } = {},
): Promise<Graph> {
  const graph = readOnnx(bytes, options);
  validateGraph(graph);
  const feeds = feedsFor(graph);
  const expected = await runOnce(bytes, { ...feeds, ...options.bound });
  const actual = await runOnce(writeOnnx(graph), feeds);
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, want] of Object.entries(expected)) {
    const got = actual[name]!;
    expect([got.dtype, ...got.shape], name).toEqual([want.dtype, ...want.shape]);
    const [a, b] = [toNumbers(got), toNumbers(want)];
    const magnitude = Math.max(1e-6, ...b.map(Math.abs));
    const worst = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
    expect(worst, name).toBeLessThanOrEqual((options.tolerance ?? 1e-5) * magnitude);
  }
  return graph;
}

/** The operators of a graph in order. */
export function operators(graph: Graph): string[] {
  return graph.nodes.map(({ op }) => op);
}
