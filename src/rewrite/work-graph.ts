import { EspalierError, invariant } from "../diagnostics/index.ts";
import { type Graph, type Node, type TensorType, typeText, type Value, type ValueId } from "../ir/index.ts";
import { completeAttributes, editGraph, OpContext, specOf } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { GraphView, Patch } from "./rule.ts";
import { GraphSignature } from "./signature.ts";

/** What a patch did: names for the trace, and the nodes that may now match a rule. */
export interface Applied {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly touched: readonly Node[];
}

interface Claim {
  readonly from: ValueId;
  readonly to: ValueId;
  readonly name: string;
  readonly wasOutput: boolean;
}

/** A graph under rewriting, with its producer and reader tables kept up to date: applying a patch costs what the patch touches. */
export class WorkGraph implements GraphView {
  readonly signature = new GraphSignature();
  readonly #graph: Graph;
  readonly #values: Map<ValueId, Value>;
  readonly #names = new Set<string>();
  readonly #nodeNames = new Set<string>();
  readonly #suffixes = new Map<string, number>();
  readonly #producer = new Map<ValueId, Node>();
  readonly #users = new Map<ValueId, Set<Node>>();
  /** Where a node stands in the order; new nodes stand where the node stood that they were made for. */
  readonly #position = new Map<Node, number>();
  readonly #inputs: ReadonlySet<ValueId>;
  #outputs: ValueId[];
  #nextId = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#values = new Map(graph.values);
    this.#inputs = new Set(graph.inputs);
    this.#outputs = [...graph.outputs];
    for (const [id, value] of graph.values) {
      this.#nextId = Math.max(this.#nextId, id + 1);
      this.#names.add(value.name);
      if (value.data !== undefined) this.signature.labelConstant(id, value.data);
    }
    graph.nodes.forEach((node, i) => {
      this.#nodeNames.add(node.name);
      this.#link(node, i);
    });
  }

  value(id: ValueId): Value {
    const value = this.#values.get(id);
    invariant(value !== undefined, `graph "${this.#graph.name}" has no value ${id}`);
    return value;
  }

  type(id: ValueId): TensorType {
    return this.value(id).type;
  }

  constant(id: ValueId | null | undefined): Tensor | null {
    return id === null || id === undefined ? null : (this.value(id).data ?? null);
  }

  producer(id: ValueId | null | undefined): Node | null {
    return id === null || id === undefined ? null : (this.#producer.get(id) ?? null);
  }

  users(id: ValueId): readonly Node[] {
    return [...(this.#users.get(id) ?? [])];
  }

  isOutput(id: ValueId): boolean {
    return this.#outputs.includes(id);
  }

  isInput(id: ValueId): boolean {
    return this.#inputs.has(id);
  }

  isPrivate(id: ValueId): boolean {
    return this.#users.get(id)?.size === 1 && !this.isOutput(id);
  }

  context(node: Node): OpContext<never> {
    const facts = node.inputs.map((id) => (id === null ? null : this.value(id)));
    const attrs = completeAttributes(node.op, specOf(node.op).attrs, node.attrs);
    return new OpContext(node.op, attrs as never, facts, node.outputs.length);
  }

  has(node: Node): boolean {
    return this.#position.has(node);
  }

  /** Nodes in their present order. */
  get nodes(): Node[] {
    return [...this.#position].sort((a, b) => a[1] - b[1]).map(([node]) => node);
  }

  /** Those of the given nodes that are in the graph, in its order. */
  inOrder(nodes: Iterable<Node>): Node[] {
    return [...nodes].filter((node) => this.has(node)).sort((a, b) => this.#position.get(a)! - this.#position.get(b)!);
  }

  #link(node: Node, position: number): void {
    this.signature.labelOutputs(node);
    this.signature.add(node);
    this.#position.set(node, position);
    for (const id of node.outputs) this.#producer.set(id, node);
    for (const id of node.inputs) {
      if (id === null) continue;
      const users = this.#users.get(id);
      if (users === undefined) this.#users.set(id, new Set([node]));
      else users.add(node);
    }
  }

  #unlink(node: Node): void {
    this.signature.remove(node);
    this.#position.delete(node);
    for (const id of node.outputs) this.#producer.delete(id);
    for (const id of node.inputs) if (id !== null) this.#users.get(id)?.delete(node);
  }

  #unique(wanted: string, taken: Set<string>): string {
    const base = wanted === "" ? "v" : wanted;
    let name = base;
    // The search goes on where the last one for the same word ended, so that a thousand nodes named alike cost no more than others.
    for (let i = this.#suffixes.get(base) ?? 1; taken.has(name); i++) {
      name = `${base}.${i}`;
      this.#suffixes.set(base, i);
    }
    taken.add(name);
    return name;
  }

  /** Applies a patch made for `root`; refuses one whose values do not have the types of those that they replace. */
  apply(patch: Patch, root: Node): Applied {
    const ids = new Map<ValueId, ValueId>();
    const real = (id: ValueId): ValueId => ids.get(id) ?? id;
    for (const { id } of patch.constants) ids.set(id, this.#nextId++);
    for (const node of patch.nodes) for (const { id } of node.outputs) ids.set(id, this.#nextId++);
    this.#checkTypes(patch, root);

    const at = this.#position.get(root);
    invariant(at !== undefined, `node "${root.name}" is not in the graph`);
    const touched = new Set<Node>();
    const doomed: Node[] = [];
    const claims: Claim[] = [];
    for (const [from, to] of patch.replace) {
      const maker = this.#producer.get(from);
      claims.push({ from, to: real(to), name: this.value(from).name, wasOutput: this.isOutput(from) });
      if (maker !== undefined) doomed.push(maker);
      if (to < 0) this.signature.inherit(from, real(to));
      for (const user of this.#rewire(from, real(to))) touched.add(user);
    }
    const made = this.#addNew(patch, real, at);
    const removed = this.#sweep([...doomed, ...made], touched);
    this.#claimNames(claims);
    const added = this.#nameNew(patch, real, made);
    for (const node of added) touched.add(node);
    return {
      added: added.map((node) => node.name),
      removed: removed.map((node) => node.name),
      touched: [...touched].filter((node) => this.has(node)),
    };
  }

  #checkTypes(patch: Patch, root: Node): void {
    const made = new Map<ValueId, TensorType>();
    for (const { id, data } of patch.constants) made.set(id, { dtype: data.dtype, shape: data.shape });
    for (const node of patch.nodes) for (const { id, type } of node.outputs) made.set(id, type);
    for (const [from, to] of patch.replace) {
      const before = typeText(this.type(from));
      const after = typeText(made.get(to) ?? this.type(to));
      if (before !== after) {
        throw new EspalierError("internal", `internal: a patch replaces ${before} by ${after}`, {
          where: `node "${root.name}" (${root.op})`,
        });
      }
    }
  }

  /** Makes every reader of `from` read `to`, and answers with the readers as they are now. */
  #rewire(from: ValueId, to: ValueId): Node[] {
    const changed: Node[] = [];
    for (const user of this.users(from)) {
      const position = this.#position.get(user)!;
      this.#unlink(user);
      const rewired = { ...user, inputs: user.inputs.map((id) => (id === from ? to : id)) };
      this.#link(rewired, position);
      changed.push(rewired);
    }
    this.#outputs = this.#outputs.map((id) => (id === from ? to : id));
    return changed;
  }

  #addNew(patch: Patch, real: (id: ValueId) => ValueId, at: number): Node[] {
    // Names come last, when those of the removed nodes are free again; until then a value has none.
    for (const { id, data } of patch.constants) {
      this.signature.labelConstant(real(id), data);
      this.#values.set(real(id), { id: real(id), name: "", type: { dtype: data.dtype, shape: data.shape }, data });
    }
    return patch.nodes.map((wanted) => {
      for (const { id, type } of wanted.outputs) this.#values.set(real(id), { id: real(id), name: "", type });
      const node: Node = {
        name: wanted.name,
        op: wanted.op,
        inputs: wanted.inputs.map((id) => (id === null ? null : real(id))),
        outputs: wanted.outputs.map(({ id }) => real(id)),
        attrs: wanted.attrs,
      };
      this.#link(node, at);
      return node;
    });
  }

  /** Removes the given nodes where nobody reads them any more, and then what only they read. Adds the neighbours to `touched`. */
  #sweep(candidates: Node[], touched: Set<Node>): Node[] {
    const removed: Node[] = [];
    for (let node = candidates.pop(); node !== undefined; node = candidates.pop()) {
      if (!this.has(node) || node.outputs.some((id) => this.isOutput(id) || (this.#users.get(id)?.size ?? 0) > 0))
        continue;
      this.#unlink(node);
      this.#nodeNames.delete(node.name);
      removed.push(node);
      for (const id of node.outputs) this.#forget(id);
      for (const id of node.inputs) {
        if (id === null) continue;
        const maker = this.#producer.get(id);
        const users = this.#users.get(id);
        if (maker !== undefined) {
          candidates.push(maker);
          touched.add(maker);
        } else if ((users?.size ?? 0) === 0 && !this.#inputs.has(id) && !this.isOutput(id)) this.#forget(id);
        // A value that has lost a reader may now be private to the one that is left.
        if (users?.size === 1) for (const user of users) touched.add(user);
      }
    }
    return removed;
  }

  #forget(id: ValueId): void {
    const value = this.#values.get(id);
    if (value === undefined) return;
    if (value.name !== "") this.#names.delete(value.name);
    this.#values.delete(id);
    this.#users.delete(id);
  }

  #rename(id: ValueId, name: string): void {
    const value = this.value(id);
    if (value.name !== "") this.#names.delete(value.name);
    this.#names.add(name);
    this.#values.set(id, { ...value, name });
  }

  /** A value that stands in for another takes its name when the other is gone, or when the name is the graph's interface. */
  #claimNames(claims: readonly Claim[]): void {
    for (const { from, to, name, wasOutput } of claims) {
      const value = this.#values.get(to);
      if (value === undefined || !(wasOutput || (value.name === "" && !this.#values.has(from)))) continue;
      if (this.#values.has(from)) this.#rename(from, this.#unique(`${name}.inner`, this.#names));
      this.#rename(to, name);
    }
  }

  /** Gives the new constants, nodes and values that are still in the graph their names; answers with the nodes as they are now. */
  #nameNew(patch: Patch, real: (id: ValueId) => ValueId, made: readonly Node[]): Node[] {
    const name = (id: ValueId, wanted: string) => {
      if (this.#values.get(id)?.name === "") this.#rename(id, this.#unique(wanted, this.#names));
    };
    for (const constant of patch.constants) name(real(constant.id), constant.name);
    return made.flatMap((node) => {
      if (!this.has(node)) return [];
      node.outputs.forEach((id, i) => {
        name(id, i === 0 ? node.name : `${node.name}.${i}`);
      });
      const unique = this.#unique(node.name, this.#nodeNames);
      if (unique === node.name) return [node];
      const renamed = { ...node, name: unique };
      const position = this.#position.get(node)!;
      this.#unlink(node);
      this.#link(renamed, position);
      return [renamed];
    });
  }

  /** The finished graph; dead nodes and values dropped, nodes in topological order. */
  finish(): Graph {
    const graph = { ...this.#graph, outputs: this.#outputs, nodes: this.nodes, values: this.#values };
    return editGraph(graph).build();
  }
}
