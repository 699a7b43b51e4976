import type { DType, Tensor } from "../tensor/index.ts";

/** A dimension: a known size, or the name of a symbol (in practice only the batch, "N"). */
export type Dim = number | string;
/** Sizes axis by axis; [] is a scalar. */
export type Shape = readonly Dim[];

/** What is known of a value before it is computed. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Values are referenced by number; names are for people and unique within a graph. */
export type ValueId = number;

/** What a node computes, an input of the graph, or a constant. */
export interface Value {
  readonly id: ValueId;
  readonly name: string;
  readonly type: TensorType;
  /** Present exactly when the value is a constant (weight, bias, shape, axes). */
  readonly data?: Tensor;
}

/** The value of one attribute of a node. */
export type Attribute = number | string | readonly number[] | readonly string[] | Tensor;
/** A node's attributes by name; defaults may be left out. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** An application of an ONNX operator. `inputs[i] === null` is an omitted optional input. */
export interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly (ValueId | null)[];
  readonly outputs: readonly ValueId[];
  readonly attrs: Attributes;
}

/** An immutable dataflow graph in SSA form; `nodes` are in topological order. Change it through a GraphBuilder. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  readonly nodes: readonly Node[];
  readonly values: ReadonlyMap<ValueId, Value>;
  /** Free key-value pairs that travel with the model (labels, normalisation, producer). */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The value with an id; an unknown id is a bug. */
export function valueById(graph: Graph, id: ValueId): Value {
  const value = graph.values.get(id);
  if (value === undefined) throw new Error(`internal: graph "${graph.name}" has no value ${id}`);
  return value;
}

/** The node that computes each value (absent for inputs and constants). */
export function producers(graph: Graph): ReadonlyMap<ValueId, Node> {
  const map = new Map<ValueId, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) map.set(output, node);
  return map;
}

/** The nodes that read each value, in topological order; a node that reads it twice is listed once. */
export function consumers(graph: Graph): ReadonlyMap<ValueId, readonly Node[]> {
  const map = new Map<ValueId, Node[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) {
      if (input === null) continue;
      const list = map.get(input);
      if (list === undefined) map.set(input, [node]);
      else list.push(node);
    }
  }
  return map;
}
