import { consumers, type Graph, type Node, typeText, type ValueId, valueById } from "../../ir/index.ts";
import { specOf } from "../../ops/index.ts";
import { type Ancestors, isWeighted } from "./ancestors.ts";
import type { BlockDraft } from "./block-types.ts";

/**
 * Layers that keep the type of their value: a convolution or a product with a weight, with the bias, normalisation and activation that follow it
 * and nothing else reads. The layer ends where its value is made by the same operator as the value that enters it (a stack of convolution,
 * normalisation, ReLU), else at its last operator.
 */
export function layerDrafts(ancestors: Ancestors): BlockDraft[] {
  const { graph, makerOf } = ancestors;
  const readers = consumers(graph);
  return graph.nodes.flatMap((node): BlockDraft[] => {
    const input = node.inputs[0];
    if (!isWeighted(graph, node) || input == null || valueById(graph, input).data !== undefined) return [];
    if (specOf(node.op).kind !== "conv" && specOf(node.op).kind !== "matmul") return [];
    const type = typeText(valueById(graph, input).type);
    const exits = exitsOf(ancestors, node, readers).filter((id) => typeText(valueById(graph, id).type) === type);
    const entered = makerOf.get(input)?.op;
    const output = exits.find((id) => makerOf.get(id)!.op === entered) ?? exits.at(-1);
    return output === undefined ? [] : [{ kind: "layer", input, output, join: null }];
  });
}

/** Nodes behind a layer that are looked at: a composed activation such as GELU has some eight. */
const REACH = 24;

/** The values at which a layer may end: behind each all of the layer is read by the next operator alone. */
function exitsOf(
  { graph, indexOf }: Ancestors,
  layer: Node,
  readers: ReadonlyMap<ValueId, readonly Node[]>,
): ValueId[] {
  const start = layer.outputs[0]!;
  const inside = new Set<Node>([layer]);
  const made = new Set<ValueId>([start]);
  const exits: ValueId[] = [start];
  const from = indexOf.get(layer)! + 1;
  for (const node of graph.nodes.slice(from, from + REACH)) {
    const computed = node.inputs.filter((id): id is ValueId => id !== null && isComputed(graph, id));
    const { kind } = specOf(node.op);
    const fits = computed.length > 0 && computed.every((id) => made.has(id));
    if (!fits || node.outputs.length !== 1 || (kind !== "elementwise" && kind !== "normalization")) continue;
    inside.add(node);
    made.add(node.outputs[0]!);
    const last = node.outputs[0]!;
    const closed = [...made].every(
      (id) =>
        id === last || (!graph.outputs.includes(id) && (readers.get(id) ?? []).every((reader) => inside.has(reader))),
    );
    if (closed) exits.push(last);
  }
  return exits;
}

function isComputed(graph: Graph, id: ValueId): boolean {
  return valueById(graph, id).data === undefined;
}

/**
 * Blocks of a transformer: residual blocks in a row, attention first, up to the first without attention, together with the normalisation that
 * ends them where what enters them was normalised too (Vaswani et al. 2017, after each part).
 */
export function encoderDrafts(ancestors: Ancestors, residuals: readonly BlockDraft[]): BlockDraft[] {
  const { graph, makerOf } = ancestors;
  const readers = consumers(graph);
  const normalised = (id: ValueId): ValueId => {
    const next = readers.get(id) ?? [];
    return next.length === 1 && next[0]!.op === "LayerNormalization" ? next[0]!.outputs[0]! : id;
  };
  const sums = residuals.filter(({ join }) => join?.neutral === 0);
  return sums.flatMap((first): BlockDraft[] => {
    if (!attends(ancestors, first)) return [];
    let last = first;
    while (attends(ancestors, last)) {
      const next = sums.find(({ input }) => input === last.output || input === normalised(last.output));
      if (next === undefined) return [];
      last = next;
    }
    const end = normalised(last.output);
    const output = makerOf.get(end)!.op === makerOf.get(first.input)?.op ? end : last.output;
    const type = (id: ValueId) => typeText(valueById(graph, id).type);
    return type(output) === type(first.input) ? [{ kind: "layer", input: first.input, output, join: null }] : [];
  });
}

/** Whether a branch has an attention in it: a softmax between the skip path and the join. */
function attends(ancestors: Ancestors, { input, join }: BlockDraft): boolean {
  const maker = ancestors.graph.nodes.find(({ name }) => name === join!.node)!;
  const branch = maker.inputs[join!.operand]!;
  return ancestors.only(branch, input).some(({ op }) => specOf(op).kind === "softmax");
}
