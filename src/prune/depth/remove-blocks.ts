import { EspalierError } from "../../diagnostics/index.ts";
import { type Graph, type Node, producers, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph, validateGraph } from "../../ops/index.ts";
import type { BlockDraft, PruneBlock } from "./block-types.ts";

/**
 * The graph without some of its blocks: what each computed is gone with all that only it needed, and what entered it takes its place. Blocks may
 * overlap in any way. They are those of `findBlocks` on this graph, or on the graph that this one was cut from: a cut keeps values and nodes.
 * Names and ids of what stays are those of before. The result is validated.
 */
export function removeBlocks(graph: Graph, blocks: readonly PruneBlock[]): Graph {
  if (blocks.length === 0) return graph;
  const left = withoutBlocks(graph, blocks);
  validateGraph(left);
  return left;
}

/** As `removeBlocks`, not validated: for figures that depend on shapes only. */
export function withoutBlocks(graph: Graph, blocks: readonly BlockDraft[]): Graph {
  const builder = editGraph(graph);
  const makers = producers(graph);
  const instead = new Map(blocks.map(({ input, output }) => [output, input]));
  for (const { output } of blocks) {
    const maker = makers.get(output);
    if (maker === undefined) throw missing(graph, output);
    const input = resolved(instead, output);
    // An output of the graph keeps its name: the value stays, as a copy of what takes its place.
    if (!graph.outputs.includes(output)) builder.replaceUses(output, input);
    else {
      const now = builder.currentNodes.find((node) => node.outputs.includes(output))!;
      builder.replaceNode(now, copyOf(now, input, output));
      const copy = builder.currentNodes.find((node) => node.outputs.includes(output))!;
      redirect(builder.currentNodes, copy, output, input, (old, next) => builder.replaceNode(old, next));
    }
  }
  return builder.build();
}

function copyOf(node: Node, input: ValueId, output: ValueId): Node {
  return { name: node.name, op: "Identity", inputs: [input], outputs: [output], attrs: {} };
}

/** Lets every node but the copy itself read the original. */
function redirect(
  nodes: readonly Node[],
  copy: Node,
  from: ValueId,
  to: ValueId,
  replace: (old: Node, next: Node) => void,
): void {
  for (const node of nodes)
    if (node !== copy && node.inputs.includes(from))
      replace(node, { ...node, inputs: node.inputs.map((id) => (id === from ? to : id)) });
}

/** What takes the place of a value when what would take it is replaced too. */
function resolved(instead: ReadonlyMap<ValueId, ValueId>, value: ValueId): ValueId {
  let at = value;
  for (let next = instead.get(at); next !== undefined; next = instead.get(at)) at = next;
  return at;
}

function missing(graph: Graph, value: ValueId): EspalierError {
  const known = graph.values.has(value);
  return new EspalierError(
    "internal",
    known
      ? `internal: value "${valueById(graph, value).name}" of a block is made by no node`
      : `internal: a block ends in value ${value}, which graph "${graph.name}" has not`,
    { hint: "Find the blocks in this graph, or in the one that it was cut from." },
  );
}
