import { type Graph, type Node, producers, type ValueId, valueById } from "../../ir/index.ts";
import { specOf } from "../../ops/index.ts";
import { DTYPES } from "../../tensor/index.ts";

/** Who computes what from what: for every computed value the nodes and graph inputs that lead to it. */
export class Ancestors {
  readonly graph: Graph;
  readonly indexOf: ReadonlyMap<Node, number>;
  readonly makerOf: ReadonlyMap<ValueId, Node>;
  readonly #words: number;
  readonly #sets: Uint32Array[] = [];
  readonly #inputAt: ReadonlyMap<ValueId, number>;

  constructor(graph: Graph) {
    this.graph = graph;
    this.indexOf = new Map(graph.nodes.map((node, i) => [node, i]));
    this.makerOf = producers(graph);
    this.#inputAt = new Map(graph.inputs.map((id, i) => [id, graph.nodes.length + i]));
    this.#words = Math.ceil((graph.nodes.length + graph.inputs.length) / 32);
    graph.nodes.forEach((node, i) => {
      const own = new Uint32Array(this.#words);
      mark(own, i);
      for (const id of node.inputs) {
        const set = id === null ? null : this.of(id);
        for (let w = 0; set !== null && w < own.length; w++) own[w] = own[w]! | set[w]!;
      }
      this.#sets.push(own);
    });
  }

  /** Bits of the nodes (by index) that lead to a value, its maker included; a graph input has a bit of its own, a constant none. */
  of(value: ValueId): Uint32Array {
    const maker = this.makerOf.get(value);
    if (maker !== undefined) return this.#sets[this.indexOf.get(maker)!]!;
    const set = new Uint32Array(this.#words);
    const input = this.#inputAt.get(value);
    if (input !== undefined) mark(set, input);
    return set;
  }

  /** Whether `value` is computed from `from`. */
  derives(value: ValueId, from: ValueId): boolean {
    const maker = this.makerOf.get(from);
    const bit = maker === undefined ? this.#inputAt.get(from) : this.indexOf.get(maker);
    return value !== from && bit !== undefined && (this.of(value)[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** Nodes that lead to `value` and not to `other`. */
  only(value: ValueId, other: ValueId): Node[] {
    const [own, without] = [this.of(value), this.of(other)];
    return this.graph.nodes.filter((_, i) => ((own[i >>> 5]! & ~without[i >>> 5]!) >>> (i & 31)) & 1);
  }

  /** Whether two values have a computed value or a graph input in common. */
  related(a: ValueId, b: ValueId): boolean {
    const other = this.of(b);
    return this.of(a).some((bits, w) => (bits & other[w]!) !== 0);
  }
}

function mark(set: Uint32Array, bit: number): void {
  set[bit >>> 5]! |= 1 << (bit & 31);
}

/** Whether a node multiplies by a weight: a convolution, a product with a constant, a recurrence. */
export function isWeighted(graph: Graph, node: Node): boolean {
  const { kind } = specOf(node.op);
  if (kind !== "conv" && kind !== "matmul") return false;
  return node.inputs.some((id) => {
    const data = id === null ? undefined : valueById(graph, id).data;
    return data !== undefined && data.shape.length > 1 && (DTYPES[data.dtype].float || data.dtype === "int8");
  });
}
