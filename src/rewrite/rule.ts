import type { Attributes, Node, TensorType, Value, ValueId } from "../ir/index.ts";
import type { OpContext } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";

/** What a rule sees of the graph: it may look anywhere, and change nothing. */
export interface GraphView {
  value(id: ValueId): Value;
  type(id: ValueId): TensorType;
  /** The data of a constant; null for an absent input and for a computed value. */
  constant(id: ValueId | null | undefined): Tensor | null;
  /** The node that computes a value; null for inputs, constants and absent inputs. */
  producer(id: ValueId | null | undefined): Node | null;
  /** The nodes that read a value, each once. */
  users(id: ValueId): readonly Node[];
  isOutput(id: ValueId): boolean;
  isInput(id: ValueId): boolean;
  /** Whether exactly one node reads the value, and the graph does not return it: then its producer may be absorbed. */
  isPrivate(id: ValueId): boolean;
  /** The operator's facts about a node, attributes complete. */
  context(node: Node): OpContext<never>;
}

export interface NewConstant {
  readonly id: ValueId;
  readonly name: string;
  readonly data: Tensor;
}

export interface NewNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly (ValueId | null)[];
  readonly outputs: readonly { readonly id: ValueId; readonly type: TensorType }[];
  readonly attrs: Attributes;
}

/** A change to a graph, as data: new constants and nodes (their values have negative ids), and old values that new ones stand in for. */
export interface Patch {
  readonly constants: readonly NewConstant[];
  readonly nodes: readonly NewNode[];
  /** [old value, the value that its readers shall read instead]. */
  readonly replace: readonly (readonly [ValueId, ValueId])[];
}

/** A local change: looks at one node and answers with a patch, or null when it has nothing to do there. */
export interface Rule {
  readonly name: string;
  /** The operators whose nodes the rule is shown, or every node. */
  readonly on: readonly string[] | "any";
  readonly apply: (node: Node, view: GraphView) => Patch | null;
}

/** Declares a rule. */
export function rule(name: string, on: Rule["on"], apply: Rule["apply"]): Rule {
  return { name, on, apply };
}

/** One application of a rule (or of a whole-graph pass, whose rule is the pass and whose node is "*"). */
export interface TraceEntry {
  readonly step: number;
  readonly pass: string;
  readonly rule: string;
  /** The node that the rule was shown. */
  readonly node: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** What a whole-graph pass has to say, for example why it left the graph as it was. */
  readonly note?: string;
}
