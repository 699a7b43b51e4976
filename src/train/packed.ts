import { type GraphBuilder, type Node, staticShape, type ValueId } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";
import { sizeOf } from "../tensor/index.ts";

/** Vectors laid end to end, so that one node does what would take a node for each: scales and shifts of many layers are small, and a node costs microseconds. */
export function joined(f: Formula, vectors: readonly ValueId[]): ValueId {
  return vectors.length === 1 ? vectors[0]! : f.node("Concat", vectors, { axis: 0 });
}

/** The parts of a vector, of the lengths that were joined. */
export function parted(f: Formula, name: string, vector: ValueId, lengths: readonly number[]): ValueId[] {
  if (lengths.length === 1) return [vector];
  return f.builder.nodes("Split", [vector, f.ints(lengths)], { axis: 0 }, { outputs: lengths.length, name });
}

/** Numbers of a tensor that is not worth freeing early. */
const FEW = 1 << 12;

/**
 * Tells of a gradient whether the backward pass reduces it from large tensors whatever becomes of it, as batch normalisation does. Another one must be reduced for
 * its own update: were that put off until all gradients are there, the large tensors would have to wait too.
 */
export function reducedAnyway(builder: GraphBuilder): (gradient: ValueId) => boolean {
  const makers = new Map<ValueId, Node>();
  const reads = new Map<ValueId, number>();
  for (const node of builder.currentNodes) {
    for (const id of node.outputs) makers.set(id, node);
    for (const id of node.inputs) if (id !== null) reads.set(id, (reads.get(id) ?? 0) + 1);
  }
  const isLarge = (id: ValueId | null) => id !== null && sizeOf(staticShape(builder.value(id).type.shape)) > FEW;
  return (gradient) => {
    const reached = new Set([gradient]);
    for (const id of reached) {
      const maker = makers.get(id);
      if (maker === undefined) continue;
      if (maker.inputs.some(isLarge)) {
        if ((reads.get(id) ?? 0) < 2) return false;
      } else for (const input of maker.inputs) if (input !== null) reached.add(input);
    }
    return true;
  };
}
