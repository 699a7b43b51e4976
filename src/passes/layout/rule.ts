import type { Attributes, Node, TensorType, ValueId } from "../../ir/index.ts";
import type { OpContext } from "../../ops/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { type Form, identityPerm, type Perm } from "./forms.ts";

/** In which order of axes a node works; what it means is its rule's business, mostly the permutation of its output. */
export type Label = readonly number[];

/** A node, as its rule sees it in the graph as it stands. */
export interface NodeFacts {
  readonly node: Node;
  readonly context: OpContext<unknown>;
  readonly outputs: readonly TensorType[];
}

/** A node to be written in another layout. */
export interface Written {
  readonly op?: string;
  readonly inputs: readonly (ValueId | null)[];
  readonly attrs: Attributes;
}

/** How a node may work on permuted operands. Permutations are of the node's own operands and results, as it reads and gives them now. */
export interface LayoutRule {
  /** The label at which nothing changes. */
  readonly start: Label;
  /** The label at which the node reads input i permuted; null where there is none. */
  fromInput(i: number, perm: Perm): Label | null;
  fromOutput(j: number, perm: Perm): Label | null;
  /** What the node reads at a label; null for parameters, which stay as they are. */
  input(label: Label, i: number): Form | null;
  output(label: Label, j: number): Perm;
  /** The node at a label, given its new inputs. */
  write(label: Label, inputs: readonly (ValueId | null)[], constant: (role: string, data: Tensor) => ValueId): Written;
}

export function rankOf(facts: NodeFacts, i: number): number {
  return facts.context.shape(i).length;
}

/** Parameters from input `from` on: attributes and constants as they are after relabelling. */
type Rewrite = (
  label: Label,
  inputs: readonly (ValueId | null)[],
  constant: (role: string, data: Tensor) => ValueId,
) => Partial<Written>;

/** A rule for nodes whose data operands and results all have one rank and one order of axes. */
export function sameOrder(facts: NodeFacts, isData: (i: number) => boolean, rewrite: Rewrite): LayoutRule {
  return {
    start: identityPerm(facts.outputs[0]!.shape.length),
    fromInput: (i, perm) => (isData(i) ? perm : null),
    fromOutput: (_, perm) => perm,
    input: (label, i) => (isData(i) ? label : null),
    output: (label) => label,
    write: (label, inputs, constant) => ({ inputs, attrs: facts.node.attrs, ...rewrite(label, inputs, constant) }),
  };
}
