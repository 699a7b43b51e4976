import type { ValueId } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";

/** Vectors laid end to end, so that one node does what would take a node for each: scales and shifts of many layers are small, and a node costs microseconds. */
export function joined(f: Formula, vectors: readonly ValueId[]): ValueId {
  return vectors.length === 1 ? vectors[0]! : f.node("Concat", vectors, { axis: 0 });
}

/** The parts of a vector, of the lengths that were joined. */
export function parted(f: Formula, name: string, vector: ValueId, lengths: readonly number[]): ValueId[] {
  if (lengths.length === 1) return [vector];
  return f.builder.nodes("Split", [vector, f.ints(lengths)], { axis: 0 }, { outputs: lengths.length, name });
}
