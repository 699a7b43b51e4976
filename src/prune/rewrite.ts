import { invariant, withContext } from "../diagnostics/index.ts";
import type { Attribute, Graph, Node, Value, ValueId } from "../ir/index.ts";
import { valueById } from "../ir/index.ts";
import { type CutView, inferTypes, type NodeChange, validateGraph } from "../ops/index.ts";
import { fromNumbers, type Tensor } from "../tensor/index.ts";
import { compact, shapeOnly } from "./compact.ts";
import { type ResolvedCut, resolveCut } from "./cut.ts";
import type { Cut, PruneGroups } from "./group-types.ts";
import type { Kept } from "./kept.ts";

/**
 * Removes the units of a cut for good: weights are sliced on all their axes, shapes, split sizes, slices, pads and group counts follow.
 * Value ids and names of what stays are those of the original. The result is validated. Refuses a cut that leaves a grid ragged or an axis empty.
 */
export function cutGraph(graph: Graph, groups: PruneGroups, cut: Cut): Graph {
  const result = rebuild(graph, groups, resolveCut(groups, cut), compact);
  validateGraph(result);
  return result;
}

/** As `cutGraph`, but the cut weights are zeros that share one buffer and nothing is validated: for figures that depend on shapes only. */
export function cutShapes(graph: Graph, groups: PruneGroups, cut: Cut): Graph {
  return rebuild(graph, groups, resolveCut(groups, cut), shapeOnly);
}

function rebuild(graph: Graph, groups: PruneGroups, cut: ResolvedCut, slice: (t: Tensor, kept: Kept) => Tensor): Graph {
  invariant(
    groups.state.coupling.graph === graph,
    `the groups are of graph "${groups.state.coupling.graph.name}", not of this one`,
  );
  if (cut.kept.size === 0) return graph;
  const values = new Map<ValueId, Value>();
  const names = new Set([...graph.values.values()].map((value) => value.name));
  let nextId = Math.max(...graph.values.keys()) + 1;
  const fresh = (wanted: string, type: Value["type"], data?: Tensor): ValueId => {
    let name = wanted;
    for (let i = 1; names.has(name); i++) name = `${wanted}.${i}`;
    names.add(name);
    const id = nextId++;
    values.set(id, data === undefined ? { id, name, type } : { id, name, type, data });
    return id;
  };
  const constant = (name: string, data: Tensor) => fresh(name, { dtype: data.dtype, shape: data.shape }, data);
  const carry = (id: ValueId) => {
    if (!values.has(id)) values.set(id, cutValue(valueById(graph, id), cut.kept.get(id), slice));
  };
  for (const id of graph.inputs) carry(id);
  const nodes = graph.nodes.flatMap((node) => {
    for (const id of node.inputs) if (id !== null) carry(id);
    for (const id of node.outputs) carry(id);
    const change = groups.state.coupling.changes.get(node);
    const touched = [...node.inputs, ...node.outputs].some((id) => id !== null && cut.kept.has(id));
    if (change === undefined || !touched) return [node];
    try {
      return applyChange(graph, node, change(viewOf(graph, node, cut, values)), { values, constant, fresh });
    } catch (error) {
      throw withContext(error, `node "${node.name}" (${node.op})`);
    }
  });
  for (const id of graph.outputs) carry(id);
  return { ...graph, nodes, values: onlyUsed(values, nodes, graph) };
}

function cutValue(value: Value, kept: Kept | undefined, slice: (t: Tensor, kept: Kept) => Tensor): Value {
  if (kept === undefined) return value;
  const shape = value.type.shape.map((dim, axis) => kept.sizes.get(axis) ?? dim);
  const type = { dtype: value.type.dtype, shape };
  return value.data === undefined ? { ...value, type } : { ...value, type, data: slice(value.data, kept) };
}

function viewOf(graph: Graph, node: Node, cut: ResolvedCut, values: ReadonlyMap<ValueId, Value>): CutView {
  const positions = (id: ValueId, axis: number): readonly number[] =>
    cut.kept.get(id)?.positions.get(axis) ??
    Array.from({ length: Number(valueById(graph, id).type.shape[axis]) }, (_, i) => i);
  return {
    inputKept: (i, axis) => positions(node.inputs[i]!, axis),
    outputKept: (j, axis) => positions(node.outputs[j]!, axis),
    inputShape: (i) => values.get(node.inputs[i]!)!.type.shape,
    outputShape: (j) => values.get(node.outputs[j]!)!.type.shape,
  };
}

interface Rebuilding {
  readonly values: Map<ValueId, Value>;
  readonly constant: (name: string, data: Tensor) => ValueId;
  readonly fresh: (name: string, type: Value["type"]) => ValueId;
}

/** The node as the change says, followed by a Gather for each axis on which what is kept is no longer a regular slice. */
function applyChange(graph: Graph, node: Node, change: NodeChange, to: Rebuilding): Node[] {
  const inputs = [...node.inputs];
  for (const { input, values, shape } of change.ints ?? []) {
    const old = inputs[input] ?? null;
    const dtype = old === null ? "int64" : valueById(graph, old).type.dtype;
    while (inputs.length <= input) inputs.push(null);
    inputs[input] = to.constant(`${node.name}.cut${input}`, fromNumbers(dtype, shape ?? [values.length], values));
  }
  const attrs: Record<string, Attribute> = { ...node.attrs };
  for (const [name, value] of Object.entries(change.attrs ?? {})) {
    if (value === null || value === undefined) delete attrs[name];
    else attrs[name] = value;
  }
  const result: Node[] = [{ ...node, inputs, attrs }];
  const outputs = node.outputs[0]!;
  (change.gathers ?? []).forEach(({ axis, positions }, i) => {
    const last = result[result.length - 1]!;
    const facts = last.inputs.map((id) => (id === null ? null : to.values.get(id)!));
    const [type] = inferTypes({ op: last.op, name: last.name, attrs: last.attrs, outputCount: 1 }, facts);
    const between = to.fresh(`${node.name}.part${i}`, type!);
    const indices = to.constant(`${node.name}.kept${i}`, fromNumbers("int64", [positions.length], positions));
    result[result.length - 1] = { ...last, outputs: [between] };
    result.push({
      name: `${node.name}.gather${i}`,
      op: "Gather",
      inputs: [between, indices],
      outputs: [outputs],
      attrs: { axis },
    });
  });
  return result;
}

function onlyUsed(values: ReadonlyMap<ValueId, Value>, nodes: readonly Node[], graph: Graph): Map<ValueId, Value> {
  const used = new Map<ValueId, Value>();
  const keep = (id: ValueId | null) => {
    if (id !== null && !used.has(id)) used.set(id, values.get(id)!);
  };
  for (const id of graph.inputs) keep(id);
  for (const node of nodes) {
    for (const id of node.inputs) keep(id);
    for (const id of node.outputs) keep(id);
  }
  for (const id of graph.outputs) keep(id);
  return used;
}
