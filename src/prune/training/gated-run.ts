import type { Graph } from "../../ir/index.ts";
import { valueById } from "../../ir/index.ts";
import { float32 } from "../../tensor/index.ts";
import type { OptimiserMemory } from "../../train/index.ts";
import type { GatePlan } from "./gate-plan.ts";
import { type GatedGraph, gatedGraph } from "./gates.ts";
import { type Part, type PruneRun, record, trainPart } from "./run.ts";
import { restoredGraph } from "./slicing.ts";

/** A model and its gates while they are learned; nothing is cut yet. */
export interface GatedState {
  readonly whole: Graph;
  readonly gates: Float32Array;
  /** Of the weights and of the gates. */
  readonly memory: OptimiserMemory;
}

/** Trains weights and gates for a part of the run and records it. `changes` says of the gated graph what the loss and the forward pass are besides. */
export async function advanceGated(
  run: PruneRun,
  plan: GatePlan,
  state: GatedState,
  factors: Parameters<typeof gatedGraph>[3],
  part: Omit<Part, "changes">,
  changes: (gated: GatedGraph) => NonNullable<Part["changes"]>,
): Promise<GatedState> {
  const gated = gatedGraph(state.whole, plan, float32([plan.count], state.gates), factors);
  const own = { ...part, changes: { learned: gated.learned, ...changes(gated) } };
  const { graph, memory, loss } = await trainPart(run, gated.graph, state.memory, own);
  const next = {
    whole: restoredGraph({ places: new Map() }, state.whole, graph),
    gates: valueById(graph, gated.gates).data!.data as Float32Array,
    memory,
  };
  await record(run, part, new Set(), graph, loss);
  return next;
}

/** The optimiser's memory of the model alone. */
export function modelMemory({ memory }: GatedState, graph: Graph): OptimiserMemory {
  return new Map([...memory].filter(([id]) => graph.values.has(id)));
}
