import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import type { Scope } from "../emit/scope.ts";
import { type AttributeReader, attributesOf, type TfNode } from "./node-def.ts";

/** What the reader of one operator sees. */
export interface NodeContext extends Scope {
  readonly op: string;
  /** Values of the data inputs, in order. */
  readonly inputs: readonly ValueId[];
  readonly attrs: AttributeReader;
  /** Input i; refuses a node that has too few. */
  input(i: number): ValueId;
}

/** Adds the nodes of one operator and returns its outputs. */
export type OpReader = (c: NodeContext) => ValueId | readonly ValueId[];
export type OpReaders = Readonly<Record<string, OpReader>>;

export function nodeContext(builder: FoldingBuilder, node: TfNode, inputs: readonly ValueId[]): NodeContext {
  return {
    builder,
    name: node.name,
    op: node.op,
    inputs,
    attrs: attributesOf(node),
    input: (i) => {
      const id = inputs[i];
      if (id === undefined)
        throw new EspalierError("input", `${node.op} needs at least ${i + 1} inputs, it has ${inputs.length}`);
      return id;
    },
  };
}
