import type { Graph, ValueId } from "../../src/ir/index.ts";
import { CONSTRUCTIONS } from "./constructions/index.ts";
import { PLACES, RandomGraph, type Step } from "./random-graph.ts";

const constructions = Object.values(CONSTRUCTIONS);

/** Number of constructions that a step's kind may name. */
export const KINDS = constructions.length;

/** Values that are wider than this do not join the pool. */
const widest = 32;

/** One of the ways in which a value ends in an output. */
function head(g: RandomGraph, value: ValueId, kind: number): ValueId {
  const x = g.toMap(value);
  const c = g.channels(x);
  if (kind % 3 === 0) {
    const pooled = g.node("Flatten", [g.node("GlobalAveragePool", [x])]);
    return g.node("Gemm", [pooled, g.weight(5, c), g.weight(5)], { transB: 1 });
  }
  if (kind % 3 === 1) return g.node("MatMul", [g.reshape(x, 0, -1), g.columns(c * PLACES, 5)]);
  return g.node("Conv", [x, g.weight(2, c, 1, 1)]);
}

/** The graph of a list of steps. The last value, another one and those that nothing reads end in outputs. */
export function randomGraph(seed: number, steps: readonly Step[], heads: number): Graph {
  const g = new RandomGraph(seed);
  g.pool.push(g.conv(g.input, 4 + (seed % 4)));
  for (const step of steps) {
    const made = constructions[step.kind % KINDS]!(g, step);
    for (const id of made) if (g.channels(id) >= 1 && g.channels(id) <= widest) g.pool.push(id);
  }
  const read = new Set(g.builder.currentNodes.flatMap((node) => node.inputs));
  const ends = new Set([g.any(0), g.any(heads), ...g.pool.filter((id) => !read.has(id))]);
  let kind = heads;
  for (const id of ends) g.builder.output(head(g, id, kind++));
  return g.builder.build();
}
