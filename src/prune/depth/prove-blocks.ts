import type { Graph, ValueId } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { fromNumbers } from "../../tensor/index.ts";
import type { Cut, PruneGroups } from "../group-types.ts";
import { maskGraph } from "../mask-graph.ts";
import { type CutProof, defaultTolerance, largestDifference, type ProofOptions } from "../proof.ts";
import { cutGraph } from "../rewrite.ts";
import type { PruneBlock } from "./block-types.ts";
import { removeBlocks } from "./remove-blocks.ts";

/**
 * The original graph in which blocks count for nothing. The branch of a residual block is multiplied by 0 (and raised to 1 where it multiplies) before
 * the node that joins it: this is exactly what removing it says. A layer still runs, its result is multiplied by 0 and what entered it is added: an
 * identity in its place, which shows that the right values were joined, not that the layer did nothing.
 */
export function maskBlocks(graph: Graph, blocks: readonly PruneBlock[]): Graph {
  const builder = editGraph(graph);
  const number = (like: ValueId, value: number) =>
    builder.constant("mask", fromNumbers(builder.value(like).type.dtype, [], [value]));
  for (const { join, input, output } of blocks) {
    if (join === null) {
      const maker = builder.currentNodes.find((node) => node.outputs.includes(output))!;
      const made = builder.node(maker.op, maker.inputs, maker.attrs, { name: `${maker.name}.whole` });
      const none = builder.node("Mul", [made, number(made, 0)], {}, { name: `${maker.name}.masked` });
      builder.replaceNode(maker, { ...maker, op: "Add", inputs: [none, input], attrs: {} });
      continue;
    }
    const node = builder.currentNodes.find(({ name }) => name === join.node)!;
    const branch = node.inputs[join.operand]!;
    let masked = builder.node("Mul", [branch, number(branch, 0)], {}, { name: `${node.name}.masked` });
    if (join.neutral === 1)
      masked = builder.node("Add", [masked, number(branch, 1)], {}, { name: `${node.name}.neutral` });
    builder.replaceNode(node, { ...node, inputs: node.inputs.map((id, i) => (i === join.operand ? masked : id)) });
  }
  return builder.build();
}

/** Runs the graph with masked blocks and the graph without them on the same inputs: both must compute the same. */
export async function proveBlocks(
  graph: Graph,
  blocks: readonly PruneBlock[],
  options: ProofOptions & { readonly original?: Tensors },
): Promise<CutProof> {
  return compare(graph, maskBlocks(graph, blocks), removeBlocks(graph, blocks), options);
}

/** As `proveBlocks` for units and blocks that go together: units masked where they are summed over, then blocks where they are joined. */
export async function proveRemoval(
  graph: Graph,
  groups: PruneGroups,
  cut: Cut,
  blocks: readonly PruneBlock[],
  options: ProofOptions & { readonly original?: Tensors },
): Promise<CutProof> {
  const masked = maskBlocks(maskGraph(graph, groups, cut), blocks);
  return compare(graph, masked, removeBlocks(cutGraph(graph, groups, cut), blocks), options);
}

type Tensors = ProofOptions["inputs"];

async function compare(
  graph: Graph,
  maskedGraph: Graph,
  leftGraph: Graph,
  options: ProofOptions & { readonly original?: Tensors },
): Promise<CutProof> {
  const { run, inputs } = options;
  const masked = await run(maskedGraph, inputs);
  const left = await run(leftGraph, inputs);
  const original = options.original ?? (await run(graph, inputs));
  const tolerance = options.tolerance ?? defaultTolerance(masked);
  const maxAbs = largestDifference(masked, left);
  return { maxAbs, tolerance, pass: maxAbs <= tolerance, effect: largestDifference(original, masked) };
}
