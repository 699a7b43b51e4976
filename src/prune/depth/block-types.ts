import type { ValueId } from "../../ir/index.ts";

/** Something that can be removed whole: what is computed between `input` and `output` vanishes, and `input` takes the place of `output`. */
export interface PruneBlock {
  /** Unique among the blocks of a graph. */
  readonly id: number;
  /** Unique; after the first weight inside. */
  readonly name: string;
  /**
   * `residual`: the branch of a sum (or of a gating product) whose other operand stays; without its contribution the sum is that operand.
   * `layer`: one or more layers between two values of the same type; removing them is putting the identity in their place.
   */
  readonly kind: "residual" | "layer";
  /** Names of the nodes that vanish with it. */
  readonly nodes: readonly string[];
  /** Elements of the floating-point constants that vanish with it. */
  readonly parameters: number;
  readonly input: ValueId;
  readonly output: ValueId;
  /** Of a residual block: the node that joins the branch, the operand that is the branch, and the number at which it contributes nothing (1 to a product). */
  readonly join: { readonly node: string; readonly operand: number; readonly neutral: 0 | 1 } | null;
}

/** A block before it is known what vanishes with it. */
export type BlockDraft = Pick<PruneBlock, "kind" | "input" | "output" | "join">;
