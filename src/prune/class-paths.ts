import type { Node, ValueId } from "../ir/index.ts";
import type { CouplingState } from "./group-types.ts";

/** On which side of its node a weight is cut: with what it makes or with what it reads; null where that makes no difference. */
export type WeightSide = "out" | "in" | null;

/** Ways from one value to others and to nodes, over values that carry one of some classes; null where there is none. */
export interface ClassPaths {
  /** The nodes passed on the shortest way to a value, from the start on; to a weight, by the side on which it is cut. */
  toValue(value: ValueId, side?: WeightSide): readonly Node[] | null;
  /** The nodes passed on the shortest way to a node, that node last. */
  toNode(node: Node): readonly Node[] | null;
}

/** Where classes lie in the graph: which values carry them, and which nodes join those values. */
export class ClassMap {
  readonly #state: CouplingState;
  readonly #carriers = new Map<number, Set<ValueId>>();
  readonly #nodes = new Map<ValueId, Node[]>();
  readonly #products: ReadonlySet<Node>;

  constructor(state: CouplingState) {
    this.#state = state;
    const { coupling, classOf } = state;
    this.#products = new Set(coupling.contractions.map(({ node }) => node));
    for (const [value, families] of coupling.families) {
      for (const { ids } of families) {
        for (const id of ids) {
          const known = this.#carriers.get(classOf[id]!);
          if (known === undefined) this.#carriers.set(classOf[id]!, new Set([value]));
          else known.add(value);
        }
      }
    }
    for (const node of coupling.graph.nodes) {
      for (const id of [...node.inputs, ...node.outputs]) {
        if (id === null) continue;
        const known = this.#nodes.get(id);
        if (known === undefined) this.#nodes.set(id, [node]);
        else if (known[known.length - 1] !== node) known.push(node);
      }
    }
  }

  /** All ways from a value along the given classes; from a weight, by the side on which it is cut. */
  from(start: ValueId, classes: Iterable<number>, side: WeightSide = null): ClassPaths {
    const allowed = new Set<ValueId>();
    for (const id of classes) for (const value of this.#carriers.get(id) ?? []) allowed.add(value);
    const reachedBy = new Map<ValueId, { readonly node: Node; readonly from: ValueId } | null>([[start, null]]);
    const nodeFrom = new Map<Node, ValueId>();
    const later: { readonly value: ValueId; readonly node: Node; readonly from: ValueId }[] = [];
    const queue = [start];
    for (let at = 0; at < queue.length || later.length > 0; ) {
      if (at === queue.length) {
        const { value, node, from } = later.shift()!;
        if (reachedBy.has(value)) continue;
        reachedBy.set(value, { node, from });
        queue.push(value);
      }
      const value = queue[at++]!;
      for (const node of this.#nodes.get(value) ?? []) {
        if (!nodeFrom.has(node)) nodeFrom.set(node, value);
        for (const next of [...node.inputs, ...node.outputs]) {
          if (next === null || !allowed.has(next) || reachedBy.has(next)) continue;
          if (this.#crosses(node, value, next, value === start ? side : null))
            later.push({ value: next, node, from: value });
          else {
            reachedBy.set(next, { node, from: value });
            queue.push(next);
          }
        }
      }
    }
    const toValue = (value: ValueId, to: WeightSide = null): readonly Node[] | null => {
      if (to !== null) {
        // Through what its node makes or reads, but for the node that the way starts with.
        const ways = (this.#nodes.get(value) ?? []).flatMap((node) =>
          sideOf(node, to).flatMap((next) => {
            const way = next === null || next === value ? null : toValue(next);
            return way === null ? [] : [way[way.length - 1] === node ? way : [...way, node]];
          }),
        );
        if (ways.length > 0) return ways.reduce((best, way) => (way.length < best.length ? way : best));
      }
      if (!reachedBy.has(value)) return null;
      const nodes: Node[] = [];
      for (let step = reachedBy.get(value); step !== null && step !== undefined; step = reachedBy.get(step.from))
        nodes.push(step.node);
      return nodes.reverse();
    };
    return {
      toValue,
      toNode: (node) => {
        const from = nodeFrom.get(node);
        return from === undefined ? null : [...toValue(from)!, node];
      },
    };
  }

  /**
   * Whether a step goes from one side of a product with a weight to the other. Where a class is on both, something else ties them (a residual sum), and that
   * is the way to tell; only rows, such as heads, go through.
   */
  #crosses(node: Node, from: ValueId, to: ValueId, side: WeightSide): boolean {
    const { coupling } = this.#state;
    if (!this.#products.has(node) || coupling.isConstant(to)) return false;
    const makes = node.outputs.includes(to);
    if (coupling.isConstant(from)) return side === null || makes !== (side === "out");
    return makes !== node.outputs.includes(from);
  }

  /** An output of the graph that carries one of the classes. */
  outputWith(classes: ReadonlySet<number>): ValueId | null {
    const { coupling } = this.#state;
    return (
      coupling.graph.outputs.find((id) => [...classes].some((own) => this.#carriers.get(own)?.has(id) === true)) ?? null
    );
  }
}

function sideOf(node: Node, side: WeightSide): readonly (ValueId | null)[] {
  if (side === null) return [...node.inputs, ...node.outputs];
  return side === "out" ? node.outputs : node.inputs;
}
