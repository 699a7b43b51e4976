import type { Graph } from "../ir/index.ts";
import type { Rule } from "./rule.ts";

/** What a whole-graph pass is given beside the graph. */
export interface TransformContext {
  /** Leaves a remark in the trace. */
  note(text: string): void;
}

/** A property of a graph that a pass relies on or brings about. */
export interface GraphCondition {
  readonly says: string;
  readonly holds: (graph: Graph) => boolean;
}

/** A graph-to-graph rewrite as a value: it can be listed, explained, and run. Its outputs equal those of the graph it was given. */
export interface Pass {
  /** Kebab-case; the name of its file. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Limits and tolerances, in prose. */
  readonly details?: string;
  /** Graphs in text form; a test runs the pass on `before` and compares the result with `after`. */
  readonly example: { readonly before: string; readonly after: string };
  /** A pass has either local rules, run to a fixpoint ... */
  readonly rules?: readonly Rule[];
  /** ... or a function of the whole graph, which answers with the same object when it changes nothing. */
  readonly transform?: (graph: Graph, context: TransformContext) => Graph;
  readonly requires?: GraphCondition;
  readonly ensures?: GraphCondition;
}

/** Declares a pass. */
export function definePass(pass: Pass): Pass {
  return pass;
}
