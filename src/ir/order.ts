import { EspalierError } from "../diagnostics/index.ts";
import type { Node, ValueId } from "./graph.ts";

/** The nodes that the outputs need, in topological order; nodes that are ready together keep their given order. Refuses a cycle. */
export function orderNodes(nodes: readonly Node[], outputs: readonly ValueId[]): Node[] {
  const producer = new Map<ValueId, number>();
  nodes.forEach((node, i) => {
    for (const id of node.outputs) producer.set(id, i);
  });
  const needed = new Set<number>();
  const stack = outputs.map((id) => producer.get(id)).filter((i) => i !== undefined);
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    if (needed.has(i)) continue;
    needed.add(i);
    for (const id of nodes[i]!.inputs) {
      const from = id === null ? undefined : producer.get(id);
      if (from !== undefined && !needed.has(from)) stack.push(from);
    }
  }
  const waiting = new Map<number, number>();
  const dependents = new Map<number, number[]>();
  for (const i of needed) {
    const sources = new Set<number>();
    for (const id of nodes[i]!.inputs) {
      const from = id === null ? undefined : producer.get(id);
      if (from !== undefined) sources.add(from);
    }
    waiting.set(i, sources.size);
    for (const from of sources) {
      const list = dependents.get(from);
      if (list === undefined) dependents.set(from, [i]);
      else list.push(i);
    }
  }
  return release(nodes, waiting, dependents);
}

/** Kahn's algorithm, always taking the earliest ready node (a binary heap of positions). */
function release(nodes: readonly Node[], waiting: Map<number, number>, dependents: Map<number, number[]>): Node[] {
  const heap: number[] = [];
  const push = (item: number) => {
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= heap[at]!) break;
      [heap[parent], heap[at]] = [heap[at]!, heap[parent]!];
      at = parent;
    }
  };
  const pop = () => {
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      for (let at = 0; ; ) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2])
          if (child < heap.length && heap[child]! < heap[least]!) least = child;
        if (least === at) break;
        [heap[least], heap[at]] = [heap[at]!, heap[least]!];
        at = least;
      }
    }
    return top;
  };
  for (const [i, count] of waiting) if (count === 0) push(i);
  const ordered: Node[] = [];
  while (heap.length > 0) {
    const i = pop();
    ordered.push(nodes[i]!);
    for (const next of dependents.get(i) ?? []) {
      const left = waiting.get(next)! - 1;
      waiting.set(next, left);
      if (left === 0) push(next);
    }
  }
  if (ordered.length !== waiting.size) {
    const stuck = [...waiting].filter(([, count]) => count > 0).map(([i]) => `"${nodes[i]!.name}"`);
    throw new EspalierError("input", `The graph has a cycle through ${stuck.slice(0, 5).join(", ")}`);
  }
  return ordered;
}
