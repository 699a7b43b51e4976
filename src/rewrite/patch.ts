import type { Attributes, Node, TensorType, Value, ValueId } from "../ir/index.ts";
import { inferTypes } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { GraphView, NewConstant, NewNode, Patch } from "./rule.ts";

interface NewNodeOptions {
  /** Name of the node; default: the operator. Names are made unique when the patch is applied. */
  readonly name?: string;
  readonly outputs?: number;
}

/** Collects a patch. Values made here have negative ids until the patch is applied; types are inferred at once. */
export class PatchBuilder {
  readonly #view: GraphView;
  readonly #facts = new Map<ValueId, Value>();
  readonly #constants: NewConstant[] = [];
  readonly #nodes: NewNode[] = [];
  readonly #replace: [ValueId, ValueId][] = [];
  #nextId = -1;

  constructor(view: GraphView) {
    this.#view = view;
  }

  value(id: ValueId): Value {
    return this.#facts.get(id) ?? this.#view.value(id);
  }

  type(id: ValueId): TensorType {
    return this.value(id).type;
  }

  constant(name: string, data: Tensor): ValueId {
    const id = this.#nextId--;
    this.#constants.push({ id, name, data });
    this.#facts.set(id, { id, name, type: { dtype: data.dtype, shape: data.shape }, data });
    return id;
  }

  /** Adds a node and returns its outputs. */
  nodes(
    op: string,
    inputs: readonly (ValueId | null)[],
    attrs: Attributes = {},
    options: NewNodeOptions = {},
  ): ValueId[] {
    const name = options.name ?? op;
    const outputCount = options.outputs ?? 1;
    const facts = inputs.map((id) => (id === null ? null : this.value(id)));
    const types = inferTypes({ op, name, attrs, outputCount }, facts).slice(0, outputCount);
    const outputs = types.map((type) => {
      const id = this.#nextId--;
      this.#facts.set(id, { id, name, type });
      return { id, type };
    });
    this.#nodes.push({ name, op, inputs: [...inputs], outputs, attrs });
    return outputs.map((output) => output.id);
  }

  /** Adds a node with one output and returns it. */
  node(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}, options: NewNodeOptions = {}): ValueId {
    return this.nodes(op, inputs, attrs, options)[0]!;
  }

  /** Makes the readers of an old value (the graph's outputs included) use another one. */
  replace(from: ValueId, to: ValueId): this {
    this.#replace.push([from, to]);
    return this;
  }

  done(): Patch {
    return { constants: this.#constants, nodes: this.#nodes, replace: this.#replace };
  }
}

/** The patch that puts what `build` makes in the place of a node's first output. */
export function replaceBy(view: GraphView, node: Node, build: (patch: PatchBuilder) => ValueId): Patch {
  const patch = new PatchBuilder(view);
  return patch.replace(node.outputs[0]!, build(patch)).done();
}

/** The patch that lets the readers of a node's first output read an existing value; null where that is the graph's own input passed through. */
export function bypass(view: GraphView, node: Node, to: ValueId | null | undefined): Patch | null {
  const from = node.outputs[0]!;
  if (to === null || to === undefined) return null;
  // The output of a graph keeps its name and is not one of its inputs, so that the artifact has the interface of the model.
  if (view.isOutput(from) && (view.isInput(to) || view.isOutput(to) || view.constant(to) !== null)) return null;
  return { constants: [], nodes: [], replace: [[from, to]] };
}
