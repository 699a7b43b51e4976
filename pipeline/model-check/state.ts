import { EspalierError } from "../../src/diagnostics/index.ts";
import type { Graph } from "../../src/ir/index.ts";

/** An input and an output that hold the state of a model from one run to the next; its initial value is zero. */
export interface StatePair {
  readonly input: string;
  readonly output: string;
}

/** Where a reader notes the state that the file keeps out of sight. */
const STATE_KEY = "espalier.state";

function isPair(pair: unknown): pair is StatePair {
  if (typeof pair !== "object" || pair === null) return false;
  const { input, output } = pair as Partial<Record<keyof StatePair, unknown>>;
  return typeof input === "string" && typeof output === "string";
}

/** The state that the graph carries through inputs and outputs of its own. Throws EspalierError "input" on metadata that are not ours. */
export function stateOf(graph: Graph): readonly StatePair[] {
  const text = graph.metadata[STATE_KEY];
  if (text === undefined) return [];
  let pairs: unknown = null;
  try {
    pairs = JSON.parse(text);
  } catch {
    // Not JSON: refused below.
  }
  if (Array.isArray(pairs) && pairs.every(isPair)) return pairs;
  throw new EspalierError("input", `The metadata "${STATE_KEY}" are malformed`, { where: graph.name });
}
