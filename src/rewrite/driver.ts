import { EspalierError, withContext } from "../diagnostics/index.ts";
import type { Graph, Node } from "../ir/index.ts";
import type { Rule, TraceEntry } from "./rule.ts";
import { WorkGraph } from "./work-graph.ts";

export interface DriverOptions {
  /** Name of the pass, for the trace. */
  readonly pass?: string;
  /** Applications after which the driver gives up; default 20 a node of the graph, and 200. */
  readonly stepLimit?: number;
  /** Stops, without an error, after this many applications: bisects a wrong rewrite. */
  readonly stopAfter?: number;
  /** Receives an entry for each application. */
  readonly trace?: TraceEntry[];
}

export interface DriverResult {
  /** The same object as the input graph when no rule applied. */
  readonly graph: Graph;
  readonly steps: number;
}

/** Rules of the latest applications, most frequent first, for a message. */
function busiest(history: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of history) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([name]) => `"${name}"`)
    .join(", ");
}

/** Watches for a rewrite without end: a graph that comes back, or more applications than any terminating rule set needs. */
class LoopGuard {
  readonly #seen = new Map<string, number>();
  readonly #history: string[] = [];
  readonly #limit: number;

  constructor(start: string, limit: number) {
    this.#seen.set(start, 0);
    this.#limit = limit;
  }

  record(rule: string, node: Node, signature: string): void {
    this.#history.push(rule);
    const since = this.#seen.get(signature);
    const hint = "Give each rule a direction: what it makes must not match a rule that makes what it matches.";
    const where = `node "${node.name}" (${node.op})`;
    if (since !== undefined) {
      const cycling = busiest(this.#history.slice(since));
      throw new EspalierError("internal", `internal: the graph came back to an earlier form by ${cycling}`, {
        where,
        hint,
      });
    }
    this.#seen.set(signature, this.#history.length);
    if (this.#history.length >= this.#limit) {
      const cycling = busiest(this.#history.slice(-100));
      throw new EspalierError("internal", `internal: no end after ${this.#limit} applications, lately of ${cycling}`, {
        where,
        hint,
      });
    }
  }
}

/**
 * Applies rules until none applies. Nodes are visited in topological order, rules in their given order; a node is
 * visited again when its neighbourhood changed, and the whole graph once more after the last change.
 */
export function applyRules(graph: Graph, rules: readonly Rule[], options: DriverOptions = {}): DriverResult {
  const work = new WorkGraph(graph);
  const guard = new LoopGuard(work.signature.text, options.stepLimit ?? 20 * graph.nodes.length + 200);
  const stopAfter = options.stopAfter ?? Number.POSITIVE_INFINITY;
  const byOp = rulesByOp(rules);
  let steps = 0;
  for (let changed = true; changed && steps < stopAfter; ) {
    changed = false;
    let queue = work.nodes;
    while (queue.length > 0 && steps < stopAfter) {
      const again = new Set<Node>();
      for (const node of queue) {
        if (steps >= stopAfter) break;
        if (!work.has(node)) continue;
        const match = firstMatch(work, node, byOp);
        if (match === null) continue;
        const applied = work.apply(match.patch, node);
        steps++;
        changed = true;
        options.trace?.push({
          step: options.trace.length + 1,
          pass: options.pass ?? "",
          rule: match.rule.name,
          node: node.name,
          added: applied.added,
          removed: applied.removed,
        });
        for (const touched of applied.touched) again.add(touched);
        if (work.has(node)) again.add(node);
        guard.record(match.rule.name, node, work.signature.text);
      }
      queue = work.inOrder(again);
    }
  }
  return { graph: steps === 0 ? graph : work.finish(), steps };
}

function rulesByOp(rules: readonly Rule[]): (op: string) => readonly Rule[] {
  const cache = new Map<string, readonly Rule[]>();
  return (op) => {
    let found = cache.get(op);
    if (found === undefined) {
      found = rules.filter((rule) => rule.on === "any" || rule.on.includes(op));
      cache.set(op, found);
    }
    return found;
  };
}

function firstMatch(work: WorkGraph, node: Node, byOp: (op: string) => readonly Rule[]) {
  for (const rule of byOp(node.op)) {
    try {
      const patch = rule.apply(node, work);
      if (patch !== null) return { rule, patch };
    } catch (error) {
      throw withContext(error, `rule "${rule.name}" on node "${node.name}"`);
    }
  }
  return null;
}
