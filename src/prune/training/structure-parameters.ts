import { EspalierError } from "../../diagnostics/index.ts";
import type { GraphBuilder, ValueId } from "../../ir/index.ts";
import type { Formula } from "../../ops/index.ts";
import type { Composite, Penalty } from "../../train/index.ts";
import { chooseAt } from "./aim.ts";
import { type GatePlan, gateScores, planGates } from "./gate-plan.ts";
import { advanceGated, type GatedState, modelMemory } from "./gated-run.ts";
import { foldedGates, GAIN } from "./gates.ts";
import { cubicSparsity } from "./gradual.ts";
import { advance, type PruneRun, type PruneState, startState, withCandidates } from "./run.ts";
import { cutStep, SPARSIFY_SHARE } from "./sparsify.ts";

/**
 * Learns a factor a for each unit under weight decay; in the forward pass factors of at most a threshold count as 0, while gradients reach them all the same, so
 * that a unit may come back (Schindler et al. 2019, Parameterized Structured Pruning). The threshold rises to where the units that have to go lie below it.
 */
export interface StructureMethod {
  readonly kind: "structure-parameters";
  /** Of the decay 1/2 x sum of a^2; default 1e-3. */
  readonly strength?: number;
  /** Times that the threshold is set; default 6. */
  readonly rounds?: number;
  /** Share of the run before the cut; default 0.6. */
  readonly share?: number;
}

/** a where |a| > threshold, else 0. */
export function addThresholded(f: Formula, parameters: ValueId, threshold: number): ValueId {
  const kept = f.node("Greater", [f.node("Abs", [parameters]), f.number(threshold)]);
  return f.mul(parameters, f.indicator(kept));
}

/** The gradient rule of `addThresholded`, by its output: straight through (Bengio et al. 2013). */
export function straightThrough(builder: GraphBuilder, output: ValueId): Composite {
  const node = builder.currentNodes.find(({ outputs }) => outputs.includes(output));
  if (node === undefined)
    throw new EspalierError("internal", "internal: the structure parameters are not in the graph");
  return { inputs: [node.inputs[0]!], output, gradient: (_builder, dy, wants) => [wants(0) ? dy : null] };
}

function decayPenalty(name: string, strength: number): Penalty {
  return {
    name: "structure-decay",
    strength,
    add: (f, { weight }) => {
      const parameters = f.mul(weight(name)!, f.number(GAIN));
      return f.mul(f.sum(f.mul(parameters, parameters), [0], false), f.number(0.5));
    },
  };
}

export async function structureParameters(run: PruneRun, method: StructureMethod): Promise<PruneState> {
  const { strength = 1e-3, rounds = 6, share = SPARSIFY_SHARE } = method;
  if (!(Number.isInteger(rounds) && rounds > 0))
    throw new EspalierError("usage", `The threshold cannot be set ${rounds} times`, { hint: "Give a whole number." });
  const until = cutStep(run, share);
  const plan = planGates(run.graph, run.groups, run.candidates);
  const seen = withCandidates(run, plan.groups);
  const first = new Float32Array(plan.count).fill(1 / GAIN);
  let state: GatedState = { whole: run.graph, gates: first, memory: startState(run).memory };
  const at = (round: number) => Math.round((round * until) / rounds);
  const parameters = () => state.gates.map((value) => GAIN * value);
  const chosen = (progress: number) =>
    chooseAt(seen, gateScores(plan, parameters().map(Math.abs)), new Set(), cubicSparsity(progress, 0, 1));
  for (let round = 0; round < rounds; round++) {
    const threshold = thresholdOf(plan, parameters(), chosen(round / rounds));
    state = await advanceGated(
      seen,
      plan,
      state,
      (f, gates) => addThresholded(f, f.mul(gates, f.number(GAIN)), threshold),
      { phase: "sparsify", from: at(round), to: at(round + 1) },
      ({ name, factors }) => ({
        penalties: [decayPenalty(name, strength)],
        prepare: (builder: GraphBuilder) => ({ composites: [straightThrough(builder, factors)] }),
      }),
    );
  }
  const cut = chosen(1);
  const folded = { whole: foldedGates(state.whole, plan, parameters()), cut, memory: modelMemory(state, run.graph) };
  return advance(seen, folded, { phase: "finetune", from: until, to: run.plan.steps });
}

/** The largest |a| of the units that are to count as 0. */
function thresholdOf(plan: GatePlan, values: Float32Array, cut: ReadonlySet<number>): number {
  let most = 0;
  plan.groups.forEach((group, g) => {
    group.units.forEach(({ id }, i) => {
      if (cut.has(id)) most = Math.max(most, Math.abs(values[plan.first[g]! + i]!));
    });
  });
  return most;
}
