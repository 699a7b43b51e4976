interface Edge {
  readonly to: number;
  capacity: number;
  readonly reverse: Edge;
}

/** A network whose least cut is found by Dinic's algorithm (E. A. Dinic, 1970). Capacities are whole numbers. */
export class CutNetwork {
  static readonly source = 0;
  static readonly sink = 1;
  readonly #edges: Edge[][] = [[], []];

  /** A new point, between source and sink. */
  point(): number {
    this.#edges.push([]);
    return this.#edges.length - 1;
  }

  /** Costs `capacity` when `from` falls to the source's side and `to` to the sink's. */
  penalise(from: number, to: number, capacity: number): void {
    const forward = { to, capacity } as { to: number; capacity: number; reverse: Edge };
    const back: Edge = { to: from, capacity: 0, reverse: forward };
    forward.reverse = back;
    this.#edges[from]!.push(forward);
    this.#edges[to]!.push(back);
  }

  /** Distances from the source along edges with room. */
  #levels(): Int32Array {
    const level = new Int32Array(this.#edges.length).fill(-1);
    level[CutNetwork.source] = 0;
    const queue = [CutNetwork.source];
    for (let at = 0; at < queue.length; at++) {
      for (const { to, capacity } of this.#edges[queue[at]!]!) {
        if (capacity <= 0 || level[to]! >= 0) continue;
        level[to] = level[queue[at]!]! + 1;
        queue.push(to);
      }
    }
    return level;
  }

  /** Sends flow along one shortest path, without recursion; 0 when there is none left. */
  #augment(level: Int32Array, next: Int32Array): number {
    const path: Edge[] = [];
    for (let at = CutNetwork.source; at !== CutNetwork.sink; ) {
      const edges = this.#edges[at]!;
      const edge = edges[next[at]!];
      if (edge === undefined) {
        const last = path.pop();
        if (last === undefined) return 0;
        at = last.reverse.to;
        next[at]!++;
      } else if (edge.capacity > 0 && level[edge.to] === level[at]! + 1) {
        path.push(edge);
        at = edge.to;
      } else next[at]!++;
    }
    const flow = path.reduce((least, edge) => Math.min(least, edge.capacity), Number.POSITIVE_INFINITY);
    for (const edge of path) {
      edge.capacity -= flow;
      edge.reverse.capacity += flow;
    }
    return flow;
  }

  /** The points that still reach the sink: of the least cuts, the one with the fewest points on the sink's side. */
  #reaching(): ReadonlySet<number> {
    const reached = new Set([CutNetwork.sink]);
    for (const point of reached)
      for (const { to, reverse } of this.#edges[point]!) if (reverse.capacity > 0) reached.add(to);
    return reached;
  }

  /** Finds a least cut, and answers with the points on the sink's side of it. */
  sinkSide(): ReadonlySet<number> {
    for (let level = this.#levels(); level[CutNetwork.sink]! >= 0; level = this.#levels()) {
      const next = new Int32Array(this.#edges.length);
      while (this.#augment(level, next) > 0);
    }
    return this.#reaching();
  }
}
