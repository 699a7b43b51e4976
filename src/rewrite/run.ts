import { EspalierError, withContext } from "../diagnostics/index.ts";
import type { Graph } from "../ir/index.ts";
import { validateGraph } from "../ops/index.ts";
import { applyRules } from "./driver.ts";
import type { Pass } from "./pass.ts";
import type { TraceEntry } from "./rule.ts";

export interface RunOptions {
  /** Receives an entry for each applied rule and each whole-graph pass that changed something or had a remark. */
  readonly trace?: TraceEntry[];
  /** Stops after this many applications over all passes. */
  readonly stopAfter?: number;
  /** Whether the graph is validated after every pass that changed it; default true. */
  readonly validate?: boolean;
}

export interface RunResult {
  /** The same object as the input graph when no pass changed it. */
  readonly graph: Graph;
  /** Names of the passes that changed the graph, in order. */
  readonly changed: readonly string[];
  readonly steps: number;
}

function runOne(graph: Graph, pass: Pass, options: RunOptions, left: number): { graph: Graph; steps: number } {
  if (pass.requires !== undefined && !pass.requires.holds(graph))
    throw new EspalierError("internal", `internal: pass "${pass.name}" requires that ${pass.requires.says}`);
  let current = graph;
  let steps = 0;
  if (pass.rules !== undefined) {
    const result = applyRules(current, pass.rules, {
      pass: pass.name,
      stopAfter: left,
      ...(options.trace === undefined ? {} : { trace: options.trace }),
    });
    current = result.graph;
    steps += result.steps;
  }
  if (pass.transform !== undefined && steps < left) {
    const notes: string[] = [];
    const before = current;
    current = pass.transform(before, { note: (text) => notes.push(text) });
    if (current !== before) steps++;
    if (current !== before || notes.length > 0)
      options.trace?.push({
        step: options.trace.length + 1,
        pass: pass.name,
        rule: pass.name,
        node: "*",
        added: namesOnlyIn(current, before),
        removed: namesOnlyIn(before, current),
        ...(notes.length === 0 ? {} : { note: notes.join(" ") }),
      });
  }
  if (pass.ensures !== undefined && steps < left && !pass.ensures.holds(current))
    throw new EspalierError("internal", `internal: pass "${pass.name}" did not ensure that ${pass.ensures.says}`);
  return { graph: current, steps };
}

function namesOnlyIn(graph: Graph, other: Graph): string[] {
  const known = new Set(other.nodes.map((node) => node.name));
  return graph.nodes.flatMap((node) => (known.has(node.name) ? [] : [node.name]));
}

/** Runs passes in order, validates the graph after each, and names the passes that ran before a failure. */
export function run(graph: Graph, passes: readonly Pass[], options: RunOptions = {}): RunResult {
  const limit = options.stopAfter ?? Number.POSITIVE_INFINITY;
  const ran: string[] = [];
  const changed: string[] = [];
  let current = graph;
  let steps = 0;
  for (const pass of passes) {
    if (steps >= limit) break;
    try {
      const result = runOne(current, pass, options, limit - steps);
      if (result.steps > 0) {
        changed.push(pass.name);
        if (options.validate !== false) validateGraph(result.graph);
      }
      current = result.graph;
      steps += result.steps;
    } catch (error) {
      const after = ran.length === 0 ? "" : ` after ${ran.join(", ")}`;
      throw withContext(error, `pass "${pass.name}"${after}`);
    }
    ran.push(pass.name);
  }
  return { graph: current, changed, steps };
}
