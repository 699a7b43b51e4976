import { expect } from "vitest";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { openOrt } from "../../../src/runtimes/onnxruntime.ts";
import { fromNumbers, seededRandom, sizeOf, type Tensor, toNumbers } from "../../../src/tensor/index.ts";

/** Runs a graph once on one thread: the models are too small to share out. */
export async function runSmall(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openOrt(graph, { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Seeded normal inputs for a graph; a symbolic batch becomes `batch`. */
export function randomFeeds(graph: Graph, batch = 3, seed = 1): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map((id) => {
      const { name, type } = valueById(graph, id);
      const random = seededRandom(seed, name);
      const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : batch));
      return [
        name,
        fromNumbers(
          type.dtype,
          shape,
          Array.from({ length: sizeOf(shape) }, () => random.normal()),
        ),
      ];
    }),
  );
}

/** Largest difference of two results, relative to the largest output; the shapes and names must agree. */
export function difference(expected: Record<string, Tensor>, actual: Record<string, Tensor>): number {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  let worst = 0;
  for (const [name, t] of Object.entries(expected)) {
    const other = actual[name]!;
    expect([other.dtype, ...other.shape]).toEqual([t.dtype, ...t.shape]);
    const [a, b] = [toNumbers(t), toNumbers(other)];
    const size = a.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-6);
    for (let i = 0; i < a.length; i++) {
      if (Number.isNaN(a[i]!) !== Number.isNaN(b[i]!)) return Number.POSITIVE_INFINITY;
      if (a[i] !== b[i] && !Number.isNaN(a[i]!)) worst = Math.max(worst, Math.abs(a[i]! - b[i]!) / size);
    }
  }
  return worst;
}

/** Runs both graphs in ONNX Runtime on the same random inputs and answers with their largest relative difference. */
export async function outputDifference(before: Graph, after: Graph, batch = 3): Promise<number> {
  const feeds = randomFeeds(before, batch);
  return difference(await runSmall(before, feeds), await runSmall(after, feeds));
}
