import type { Graph } from "../../src/ir/index.ts";
import { cutOf, joinCuts, type PruneGroups, scoreGroups, selectUnits } from "../../src/prune/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { float32, fromNumbers, seededRandom, type Tensor } from "../../src/tensor/index.ts";

/** Runs a graph in ONNX Runtime. */
export async function runOnce(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openOrt(graph, { threads: 1, optimise: "basic" });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Normal values, or tokens below 16, in batches of 2. */
export function feedsOf(graph: Graph): Record<string, Tensor> {
  const random = seededRandom(3, "topology");
  return Object.fromEntries(
    graph.inputs.map((id) => {
      const { name, type } = graph.values.get(id)!;
      const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 2));
      const size = shape.reduce((a, b) => a * b, 1);
      const values = Array.from({ length: size }, () => (type.dtype === "int64" ? random.below(16) : random.normal()));
      return [name, type.dtype === "int64" ? fromNumbers("int64", shape, values) : float32(shape, values)];
    }),
  );
}

/** The cut of the lowest `ratio` of all channel units by magnitude, compared over the whole graph; every group keeps a legal number. */
export function globalCut(graph: Graph, groups: PruneGroups, ratio: number): Set<number> {
  const scores = scoreGroups(graph, groups, "l2");
  const channels = groups.groups.filter((group) => group.kind === "channels");
  const sorted = channels.flatMap((group) => [...scores.get(group.id)!]).sort((a, b) => a - b);
  const threshold = sorted[Math.floor(ratio * sorted.length)]!;
  return joinCuts(
    channels.map((group) => {
      const own = scores.get(group.id)!;
      const keep = Math.max(1, [...own].filter((score) => score >= threshold).length);
      return cutOf(group, selectUnits(group, own, keep));
    }),
  );
}
