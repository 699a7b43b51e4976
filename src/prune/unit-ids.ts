/** Why a class of units cannot be cut. */
export interface FreezeReason {
  /** A short stable word: graph-output, graph-input, operator, statistics, window, untracked... */
  readonly reason: string;
  /** Index of the node that froze it, -1 for the graph itself. */
  readonly node: number;
}

/** Union-find over unit ids (path halving, union by size) that remembers which node made each union and each freeze. */
export class UnitIds {
  #parent = new Int32Array(1024);
  #size = new Int32Array(1024);
  #count = 0;
  readonly #frozen = new Map<number, FreezeReason & { readonly id: number }>();
  /** The first reason that each node gave for a freeze. */
  readonly #byNode = new Map<number, string>();
  /** Unions that merged two classes: a spanning forest, so that the way between two ids is unique. */
  readonly edges: { readonly a: number; readonly b: number; readonly node: number }[] = [];
  /** Index of the node whose rule is running. */
  node = -1;

  get count(): number {
    return this.#count;
  }

  /** `n` new ids, each a class of its own. */
  fresh(n: number): Int32Array {
    const first = this.#count;
    this.#count += n;
    if (this.#count > this.#parent.length) {
      const capacity = Math.max(this.#count, this.#parent.length * 2);
      const grow = (old: Int32Array) => {
        const wider = new Int32Array(capacity);
        wider.set(old);
        return wider;
      };
      this.#parent = grow(this.#parent);
      this.#size = grow(this.#size);
    }
    const ids = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      ids[i] = first + i;
      this.#parent[first + i] = first + i;
      this.#size[first + i] = 1;
    }
    return ids;
  }

  find(id: number): number {
    const parent = this.#parent;
    let at = id;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  }

  union(a: number, b: number): void {
    let keep = this.find(a);
    let drop = this.find(b);
    if (keep === drop) return;
    if (this.#size[keep]! < this.#size[drop]!) [keep, drop] = [drop, keep];
    this.#parent[drop] = keep;
    this.#size[keep] = this.#size[keep]! + this.#size[drop]!;
    this.edges.push({ a, b, node: this.node });
    const frozen = this.#frozen.get(drop);
    if (frozen !== undefined) {
      this.#frozen.delete(drop);
      if (!this.#frozen.has(keep)) this.#frozen.set(keep, frozen);
    }
  }

  /** Freezes the class of an id; the first reason stays. */
  freeze(id: number, reason: string): void {
    const root = this.find(id);
    if (!this.#byNode.has(this.node)) this.#byNode.set(this.node, reason);
    if (!this.#frozen.has(root)) this.#frozen.set(root, { reason, node: this.node, id });
  }

  /** The first reason for which a node froze something. */
  frozenBy(node: number): string | undefined {
    return this.#byNode.get(node);
  }

  /** The reason why the class of an id is frozen, with the id at which it happened. */
  frozen(id: number): (FreezeReason & { readonly id: number }) | undefined {
    return this.#frozen.get(this.find(id));
  }
}
