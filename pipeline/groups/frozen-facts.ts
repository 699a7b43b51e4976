import { type Graph, valueById } from "../../src/ir/index.ts";
import type { PruneGroups } from "../../src/prune/index.ts";
import { freezeWords } from "./freeze-reasons.ts";

/** An axis of a weight that keeps its size, at least in part. */
export interface FrozenFact {
  readonly weight: string;
  readonly axis: number;
  readonly size: number;
  /** A short stable word. */
  readonly reason: string;
  /** The reason in words. */
  readonly because: string;
  /** The node at which it happened and its operator; null for the graph's own outputs, and for grids. */
  readonly node: string | null;
  readonly operator: string | null;
  /** Some positions of the axis lie in a group all the same. */
  readonly partly: boolean;
}

/** The frozen axes of a graph's weights, those of one reason together. */
export function frozenFacts(graph: Graph, groups: PruneGroups): FrozenFact[] {
  const operators = new Map(graph.nodes.map(({ name, op }) => [name, op]));
  const inGroups = new Set(
    groups.groups.flatMap(({ members }) =>
      members.flatMap(({ value, axes }) => axes.map((axis) => `${value}:${axis}`)),
    ),
  );
  const facts = groups.frozen.map(({ value, axis, name, reason, node }): FrozenFact => {
    const size = valueById(graph, value).type.shape[axis];
    return {
      weight: name,
      axis,
      size: typeof size === "number" ? size : 0,
      reason,
      because: freezeWords(reason),
      node: node === "" ? null : node,
      operator: operators.get(node) ?? null,
      partly: inGroups.has(`${value}:${axis}`),
    };
  });
  const order = [...new Set(facts.map(({ reason }) => reason))];
  return order.flatMap((reason) => facts.filter((fact) => fact.reason === reason));
}
