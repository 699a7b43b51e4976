import { type Graph, type Node, producers, type ValueId, valueById } from "../../../src/ir/index.ts";
import type { PruneGroup, PruneGroups } from "../../../src/prune/index.ts";

/** What a group is to a layer, the strongest first. */
export type Mark = "out" | "in" | "join" | "parameter";

/** An axis of a layer's weight that keeps its size. */
export interface FrozenSide {
  readonly size: number;
  readonly reason: string;
}

/** One side of a layer: of its weights, what makes its outputs or reads its inputs; where there are none, what passes through. */
export interface Side {
  /** Positions by group. */
  readonly groups: ReadonlyMap<PruneGroup, number>;
  readonly frozen: readonly FrozenSide[];
  /** The values carry these groups; no weight is cut on this side. */
  readonly passing: boolean;
}

/** A line of the picture: a node with weights or several inputs, and the nodes behind it that have neither. */
export interface Layer {
  readonly nodes: readonly Node[];
  readonly marks: ReadonlyMap<PruneGroup, Mark>;
  readonly reads: Side;
  readonly makes: Side;
}

const STRENGTH: readonly Mark[] = ["parameter", "join", "in", "out"];

/** The layers of a graph in the order of its nodes. */
export function layersOf(graph: Graph, groups: PruneGroups): Layer[] {
  const facts = new Facts(graph, groups);
  const home = new Map<Node, Node[]>();
  const stacks: Node[][] = [];
  const made = producers(graph);
  for (const node of graph.nodes) {
    const computed = facts.computedInputs(node);
    if (computed.length === 0) continue;
    const source = computed.length === 1 ? made.get(computed[0]!) : undefined;
    const behind = source === undefined || facts.isMain(node) ? undefined : home.get(source);
    if (behind === undefined) {
      const stack = [node];
      stacks.push(stack);
      home.set(node, stack);
    } else {
      behind.push(node);
      home.set(node, behind);
    }
  }
  return stacks.map((nodes) => facts.layer(nodes));
}

/** A layer under construction. */
interface Draft {
  readonly marks: Map<PruneGroup, Mark>;
  readonly reads: DraftSide;
  readonly makes: DraftSide;
}

interface DraftSide {
  readonly groups: Map<PruneGroup, number>;
  readonly frozen: FrozenSide[];
}

function mark({ marks }: Draft, group: PruneGroup, kind: Mark): void {
  const known = marks.get(group);
  if (known === undefined || STRENGTH.indexOf(kind) > STRENGTH.indexOf(known)) marks.set(group, kind);
}

class Facts {
  readonly #graph: Graph;
  readonly #groups: PruneGroups;
  readonly #made: ReadonlyMap<ValueId, Node>;
  /** Values that are summed over, with the axis. */
  readonly #contracted = new Set<string>();
  readonly #groupOf = new Map<number, PruneGroup>();

  constructor(graph: Graph, groups: PruneGroups) {
    this.#graph = graph;
    this.#groups = groups;
    this.#made = producers(graph);
    const { coupling, unitClass } = groups.state;
    for (const { node, operands } of coupling.contractions)
      for (const { input, axis } of operands)
        for (const value of this.#constantsBehind(node.inputs[input]!)) this.#contracted.add(`${value}:${axis}`);
    for (const group of groups.groups) for (const { id } of group.units) this.#groupOf.set(unitClass[id]!, group);
  }

  /** Inputs that depend on the graph's inputs. */
  computedInputs(node: Node): ValueId[] {
    const inputs = new Set(node.inputs.filter((id) => id !== null));
    return [...inputs].filter((id) => !this.#isConstant(id));
  }

  #isConstant(id: ValueId): boolean {
    if (valueById(this.#graph, id).data !== undefined) return true;
    const source = this.#made.get(id);
    return source?.inputs.every((input) => input === null || valueById(this.#graph, input).data !== undefined) === true;
  }

  /** The constants that a constant operand is made of: itself, or what a DequantizeLinear reads. */
  #constantsBehind(id: ValueId): ValueId[] {
    if (valueById(this.#graph, id).data !== undefined) return [id];
    const source = this.#made.get(id);
    return source === undefined || !this.#isConstant(id) ? [] : source.inputs.filter((input) => input !== null);
  }

  #weightsOf(node: Node): ValueId[] {
    return node.inputs.flatMap((id) => (id === null ? [] : this.#constantsBehind(id)));
  }

  /** Whether a node starts a line of its own: it multiplies by a weight, or several values meet in it. */
  isMain(node: Node): boolean {
    if (this.computedInputs(node).length > 1) return true;
    const contracts = this.#groups.state.coupling.contractions.some((contraction) => contraction.node === node);
    return contracts || this.#weightsOf(node).some((id) => valueById(this.#graph, id).type.shape.length > 2);
  }

  layer(nodes: readonly Node[]): Layer {
    const side = (): DraftSide => ({ groups: new Map(), frozen: [] });
    const draft: Draft = { marks: new Map(), reads: side(), makes: side() };
    for (const node of nodes) {
      for (const value of new Set(this.#weightsOf(node))) this.#addWeight(draft, value);
      const computed = this.computedInputs(node);
      if (computed.length > 1)
        for (const value of computed) for (const group of this.#unitsIn([value]).keys()) mark(draft, group, "join");
    }
    const reads = this.#orPassing(draft.reads, this.computedInputs(nodes[0]!));
    const makes = this.#orPassing(draft.makes, nodes[nodes.length - 1]!.outputs);
    return { nodes, marks: draft.marks, reads, makes };
  }

  #orPassing({ groups, frozen }: DraftSide, values: readonly ValueId[]): Side {
    if (groups.size + frozen.length > 0) return { groups, frozen, passing: false };
    return { groups: this.#unitsIn(values), frozen, passing: true };
  }

  #addWeight(draft: Draft, value: ValueId): void {
    for (const group of this.#groups.groups) {
      for (const { value: own, role, axes } of group.members) {
        if (own !== value) continue;
        const reads = role === "in" || axes.some((axis) => this.#contracted.has(`${value}:${axis}`));
        mark(draft, group, role === "parameter" ? role : reads ? "in" : "out");
        if (role !== "parameter")
          (reads ? draft.reads : draft.makes).groups.set(group, positionsOf(group, value, axes));
      }
    }
    const { shape } = valueById(this.#graph, value).type;
    for (const { value: own, axis, reason } of this.#groups.frozen) {
      if (own !== value || shape.length < 2) continue;
      const reads = this.#contracted.has(`${value}:${axis}`);
      (reads ? draft.reads : draft.makes).frozen.push({ size: Number(shape[axis]), reason });
    }
  }

  /** Units that values carry, by group. */
  #unitsIn(values: readonly ValueId[]): Map<PruneGroup, number> {
    const { coupling, classOf } = this.#groups.state;
    const found = new Map<PruneGroup, Set<number>>();
    for (const { ids } of values.flatMap((value) => coupling.known(value))) {
      for (const id of ids) {
        const own = classOf[id]!;
        const group = this.#groupOf.get(own);
        if (group !== undefined) found.set(group, (found.get(group) ?? new Set()).add(own));
      }
    }
    return new Map([...found].map(([group, classes]) => [group, classes.size]));
  }
}

/** Positions on some axes of a weight that the units of a group hold. */
function positionsOf({ units }: PruneGroup, value: ValueId, axes: readonly number[]): number {
  let count = 0;
  for (const { slices } of units)
    for (const slice of slices)
      if (slice.value === value && slice.axes.join() === axes.join()) count += slice.positions.length;
  return count;
}
