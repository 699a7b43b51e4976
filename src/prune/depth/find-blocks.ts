import { type Graph, type Node, valueById } from "../../ir/index.ts";
import { DTYPES } from "../../tensor/index.ts";
import { Ancestors, isWeighted } from "./ancestors.ts";
import type { BlockDraft, PruneBlock } from "./block-types.ts";
import { encoderDrafts, layerDrafts } from "./layers.ts";
import { withoutBlocks } from "./remove-blocks.ts";
import { residualDrafts } from "./residual.ts";

/**
 * What can be removed whole from a graph: residual blocks, then layers, each in the order of the graph. Blocks may lie in one another; removing the
 * outer one removes the inner ones. Only what has weights is a block.
 */
export function findBlocks(graph: Graph): PruneBlock[] {
  const ancestors = new Ancestors(graph);
  const residuals = residualDrafts(ancestors);
  const drafts = [...residuals, ...encoderDrafts(ancestors, residuals), ...layerDrafts(ancestors)];
  const joins = new Set(residuals.map(({ join }) => join!.node));
  const seen = new Set<string>();
  const names = new Map<string, number>();
  const blocks: PruneBlock[] = [];
  for (const draft of drafts) {
    const gone = vanishing(graph, draft);
    const first = gone.nodes.find((node) => isWeighted(graph, node));
    const key = `${draft.input}:${gone.nodes.map(({ name }) => name).join()}`;
    if (first === undefined || seen.has(key)) continue;
    seen.add(key);
    const name = unique(names, `${weightName(graph, first)} ${wordFor(draft, gone.nodes, joins)}`);
    blocks.push({
      ...draft,
      id: blocks.length,
      name,
      nodes: gone.nodes.map((node) => node.name),
      parameters: gone.parameters,
    });
  }
  return blocks;
}

/** What a block is called: the gate of a product, the branch of a sum, a layer, or a transformer's layer of several branches. */
function wordFor({ join }: BlockDraft, nodes: readonly Node[], joins: ReadonlySet<string>): string {
  if (join !== null) return join.neutral === 1 ? "gate" : "block";
  return nodes.some(({ name }) => joins.has(name)) ? "transformer layer" : "layer";
}

/** The nodes and the elements of constants that are no longer used without a block. */
function vanishing(graph: Graph, draft: BlockDraft): { nodes: Node[]; parameters: number } {
  const left = withoutBlocks(graph, [draft]);
  const stay = new Set(left.nodes.map((node) => node.outputs[0]));
  let parameters = 0;
  for (const [id, { data }] of graph.values)
    if (data !== undefined && DTYPES[data.dtype].float && !left.values.has(id)) parameters += data.data.length;
  return { nodes: graph.nodes.filter((node) => !stay.has(node.outputs[0])), parameters };
}

function weightName(graph: Graph, node: Node): string {
  const weight = node.inputs.find((id) => id !== null && (valueById(graph, id).data?.shape.length ?? 0) > 1);
  return weight == null ? node.name : valueById(graph, weight).name;
}

function unique(taken: Map<string, number>, name: string): string {
  const count = (taken.get(name) ?? 0) + 1;
  taken.set(name, count);
  return count === 1 ? name : `${name}#${count}`;
}
