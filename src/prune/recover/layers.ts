import { type Graph, type Node, type ValueId, valueById } from "../../ir/index.ts";
import { DTYPES } from "../../tensor/index.ts";
import type { ResolvedCut } from "../cut.ts";
import type { PruneGroups } from "../group-types.ts";
import { biasOf } from "./bias-place.ts";
import { type LinearLayer, linearLayer } from "./linear-layer.ts";

/** A node whose sums a cut changes, as a linear layer of the cut graph, or why it is left alone. */
export interface ChangedLayer {
  readonly node: Node;
  readonly layer: LinearLayer | string;
}

/**
 * The nodes that sum over cut units, in graph order, and, with `downstream`, the linear layers behind them or behind a block that is gone, whose inputs are
 * no longer what they were (a depthwise convolution behind a narrower one).
 */
export function changedLayers(
  original: Graph,
  small: Graph,
  groups: PruneGroups,
  cut: ResolvedCut,
  downstream: boolean,
): ChangedLayer[] {
  const shrinks = (value: ValueId, axis: number) => {
    const size = cut.kept.get(value)?.sizes.get(axis);
    return size !== undefined && size < Number(valueById(original, value).type.shape[axis]);
  };
  const reading = new Set<string>();
  for (const { node, operands } of groups.state.coupling.contractions)
    if (operands.some(({ input, axis }) => shrinks(node.inputs[input]!, axis))) reading.add(node.name);
  const before = new Map(original.nodes.map((node) => [node.name, node]));
  const changed = new Set<ValueId>();
  const found: ChangedLayer[] = [];
  for (const node of small.nodes) {
    const old = before.get(node.name);
    const fed = node.inputs.some((id, i) => id !== null && (changed.has(id) || isRewired(original, old, id, i)));
    if (!fed && !reading.has(node.name)) continue;
    for (const id of node.outputs) changed.add(id);
    const layer = linearLayer(small, node);
    if (!reading.has(node.name) && (!downstream || typeof layer === "string")) continue;
    found.push({ node, layer: typeof layer === "string" ? layer : checked(original, small, layer, old, downstream) });
  }
  return found;
}

/** Whether a node reads something else than in the original graph, where what it read there is computed. */
function isRewired(original: Graph, old: Node | undefined, id: ValueId, input: number): boolean {
  const was = old?.inputs[input] ?? null;
  return was !== null && was !== id && valueById(original, was).data === undefined;
}

/** The layer of the cut graph if its weights can be replaced there, or why not. `anyInput`: whether it may read another value than before. */
function checked(
  original: Graph,
  small: Graph,
  layer: LinearLayer,
  old: Node | undefined,
  anyInput: boolean,
): LinearLayer | string {
  const was = old === undefined ? "it is not in the original graph" : linearLayer(original, old);
  if (typeof was === "string") return was;
  if (layer.y !== was.y) return "the cut puts a Gather behind it";
  if (layer.x !== was.x && !anyInput) return "a block in front of it is gone";
  const bias = biasOf(small, layer);
  if (typeof bias === "string") return bias;
  if (!DTYPES[valueById(small, layer.x).type.dtype].float) return "it does not compute in floating point";
  const sharing = small.nodes.filter(({ inputs, name }) => inputs.includes(layer.weight) && name !== layer.node.name);
  if (sharing.length > 0) return `its weight is also that of "${sharing[0]!.name}"`;
  return small.outputs.includes(layer.weight) ? "its weight is an output of the graph" : layer;
}
