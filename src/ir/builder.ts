import { EspalierError } from "../diagnostics/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Attributes, Graph, Node, TensorType, Value, ValueId } from "./graph.ts";
import { orderNodes } from "./order.ts";
import { UniqueNames } from "./unique-names.ts";

/** What type inference is told of one input. */
export interface InputFact {
  readonly type: TensorType;
  readonly data?: Tensor;
}

/** Derives the output types of a node; supplied by the operator table, so that the IR knows no operator. */
export type Infer = (
  node: { op: string; name: string; attrs: Attributes; outputCount: number },
  inputs: readonly (InputFact | null)[],
) => readonly TensorType[];

/** Names for a node that is added. */
export interface NodeOptions {
  /** Name of the node; made unique. Default: the operator. */
  readonly name?: string;
  /** Names of the outputs; default: the node's name. */
  readonly outputNames?: readonly string[];
  /** Number of outputs; default 1. */
  readonly outputs?: number;
}

/** The only way to make or change a graph. Types are derived as nodes are added; names are made unique. */
export class GraphBuilder {
  readonly #infer: Infer;
  readonly #values = new Map<ValueId, Value>();
  readonly #names = new UniqueNames();
  readonly #nodeNames = new UniqueNames();
  #nodes: Node[] = [];
  #inputs: ValueId[] = [];
  #outputs: ValueId[] = [];
  #nextId = 0;
  #name: string;
  #metadata: Record<string, string> = {};

  constructor(name: string, infer: Infer) {
    this.#name = name;
    this.#infer = infer;
  }

  /** A builder that starts as a copy of a graph: ids stay valid, nodes may be added, replaced or removed. */
  static from(graph: Graph, infer: Infer): GraphBuilder {
    const builder = new GraphBuilder(graph.name, infer);
    for (const [id, value] of graph.values) {
      builder.#values.set(id, value);
      builder.#names.claim(value.name);
      builder.#nextId = Math.max(builder.#nextId, id + 1);
    }
    for (const node of graph.nodes) builder.#nodeNames.claim(node.name);
    builder.#nodes = [...graph.nodes];
    builder.#inputs = [...graph.inputs];
    builder.#outputs = [...graph.outputs];
    builder.#metadata = { ...graph.metadata };
    return builder;
  }

  #add(name: string, type: TensorType, data?: Tensor): ValueId {
    const id = this.#nextId++;
    const unique = this.#names.claim(name);
    this.#values.set(id, data === undefined ? { id, name: unique, type } : { id, name: unique, type, data });
    return id;
  }

  input(name: string, type: TensorType): ValueId {
    const id = this.#add(name, type);
    this.#inputs.push(id);
    return id;
  }

  constant(name: string, data: Tensor): ValueId {
    return this.#add(name, { dtype: data.dtype, shape: data.shape }, data);
  }

  /** Adds a node and returns its outputs. */
  nodes(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}, options: NodeOptions = {}): ValueId[] {
    const name = this.#nodeNames.claim(options.name ?? op);
    const outputCount = options.outputs ?? 1;
    const present = inputs.slice(0, inputs.findLastIndex((id) => id !== null) + 1); // trailing omitted inputs are not stored
    const facts = present.map((id) => (id === null ? null : this.value(id)));
    const types = this.#infer({ op, name, attrs, outputCount }, facts);
    if (types.length < outputCount)
      throw new EspalierError("input", `${op} gives ${types.length} outputs, ${outputCount} were asked for`, {
        where: `node "${name}"`,
      });
    const outputs = types
      .slice(0, outputCount)
      .map((type, i) => this.#add(options.outputNames?.[i] ?? (i === 0 ? name : `${name}.${i}`), type));
    this.#nodes.push({ name, op, inputs: present, outputs, attrs });
    return outputs;
  }

  /** Adds a node with one output and returns it. */
  node(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}, options: NodeOptions = {}): ValueId {
    return this.nodes(op, inputs, attrs, options)[0]!;
  }

  value(id: ValueId): Value {
    const value = this.#values.get(id);
    if (value === undefined) throw new EspalierError("internal", `internal: no value ${id} in builder "${this.#name}"`);
    return value;
  }

  output(id: ValueId): void {
    this.#outputs.push(this.value(id).id);
  }

  setOutputs(ids: readonly ValueId[]): void {
    this.#outputs = ids.map((id) => this.value(id).id);
  }

  setMetadata(metadata: Readonly<Record<string, string>>): void {
    this.#metadata = { ...metadata };
  }

  rename(name: string): void {
    this.#name = name;
  }

  /** Gives an input another type (for example a bound batch); call `build` with `reinfer` afterwards. */
  setInputType(id: ValueId, type: TensorType): void {
    this.#values.set(id, { ...this.value(id), type });
  }

  /** Replaces the data (and with it the type) of a constant. */
  setConstant(id: ValueId, data: Tensor): void {
    const value = this.value(id);
    if (value.data === undefined)
      throw new EspalierError("internal", `internal: value "${value.name}" is not a constant`);
    this.#values.set(id, { id, name: value.name, type: { dtype: data.dtype, shape: data.shape }, data });
  }

  /** Makes every reader of one value, and the graph's outputs, use another. */
  replaceUses(from: ValueId, to: ValueId): void {
    this.#nodes = this.#nodes.map((node) =>
      node.inputs.includes(from) ? { ...node, inputs: node.inputs.map((id) => (id === from ? to : id)) } : node,
    );
    this.#outputs = this.#outputs.map((id) => (id === from ? to : id));
  }

  /** Replaces a node by one with the same outputs. */
  replaceNode(old: Node, replacement: Node): void {
    this.#nodes = this.#nodes.map((node) => (node === old ? replacement : node));
  }

  removeNode(old: Node): void {
    this.#nodes = this.#nodes.filter((node) => node !== old);
  }

  /** Nodes in the present order. */
  get currentNodes(): readonly Node[] {
    return this.#nodes;
  }

  get currentOutputs(): readonly ValueId[] {
    return this.#outputs;
  }

  /** The finished graph: dead nodes and values dropped, nodes in topological order, types re-derived when asked. */
  build(options: { reinfer?: boolean } = {}): Graph {
    const ordered = orderNodes(this.#nodes, this.#outputs);
    const values = new Map<ValueId, Value>();
    const keep = (id: ValueId) => {
      if (!values.has(id)) values.set(id, this.value(id));
    };
    for (const id of this.#inputs) keep(id);
    for (const node of ordered) {
      for (const id of node.inputs) if (id !== null) keep(id);
      if (options.reinfer === true) this.#reinfer(node, values);
      for (const id of node.outputs) keep(id);
    }
    for (const id of this.#outputs) keep(id);
    return {
      name: this.#name,
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      nodes: ordered,
      values,
      metadata: { ...this.#metadata },
    };
  }

  #reinfer(node: Node, values: Map<ValueId, Value>): void {
    const facts = node.inputs.map((id) => (id === null ? null : values.get(id)!));
    const types = this.#infer(
      { op: node.op, name: node.name, attrs: node.attrs, outputCount: node.outputs.length },
      facts,
    );
    node.outputs.forEach((id, i) => {
      const value = { ...this.value(id), type: types[i]! };
      this.#values.set(id, value);
      values.set(id, value);
    });
  }
}
