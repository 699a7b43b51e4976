import type { Graph } from "../../ir/index.ts";
import type { PruneGroup } from "../group-types.ts";
import type { PruneBlock } from "./block-types.ts";
import { withoutBlocks } from "./remove-blocks.ts";

/**
 * For each group and each block, by name, the names of the blocks with which all of it vanishes: its choice means nothing once one of them is
 * removed. A group that reaches beyond a block is not in it.
 */
export function enclosingBlocks(
  graph: Graph,
  blocks: readonly PruneBlock[],
  groups: readonly PruneGroup[],
): Map<string, string[]> {
  const found = new Map<string, string[]>([...groups, ...blocks].map(({ name }) => [name, []]));
  for (const outer of blocks) {
    const left = withoutBlocks(graph, [outer]).values;
    for (const group of groups)
      if (group.members.every(({ value }) => !left.has(value))) found.get(group.name)!.push(outer.name);
    const nodes = new Set(outer.nodes);
    for (const inner of blocks)
      if (inner.nodes.length < nodes.size && inner.nodes.every((node) => nodes.has(node)))
        found.get(inner.name)!.push(outer.name);
  }
  return found;
}
