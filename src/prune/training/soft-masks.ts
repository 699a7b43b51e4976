import { EspalierError } from "../../diagnostics/index.ts";
import type { GraphBuilder, ValueId } from "../../ir/index.ts";
import { type Formula, formula } from "../../ops/index.ts";
import type { Penalty } from "../../train/index.ts";
import { chooseAt } from "./aim.ts";
import { GATE_KINDS, type GateKindName, OPEN } from "./gate-kinds.ts";
import { gateScores, planGates } from "./gate-plan.ts";
import { advanceGated, modelMemory } from "./gated-run.ts";
import { foldedGates, GAIN } from "./gates.ts";
import { advance, type PruneRun, type PruneState, startState, withCandidates } from "./run.ts";
import { cutStep, SPARSIFY_SHARE } from "./sparsify.ts";
import { criterionScores } from "./unit-scores.ts";

/**
 * Learns a gate for each unit under a penalty on open gates, cuts the units whose gates are lowest and multiplies the gates of the others into the weights.
 * "hard-concrete": gates are drawn anew at each update (Louizos et al. 2018, Learning Sparse Neural Networks through L0 Regularization). "sigmoid": sigmoid(t a)
 * whose t grows, so that gates end near 0 or 1 (Savarese et al. 2020, Winning the Lottery with Continuous Sparsification).
 */
export interface SoftMaskMethod {
  readonly kind: "soft-masks";
  /** Default "hard-concrete". */
  readonly gate?: GateKindName;
  /** Of the penalty for each open gate while more are open than may stay; default 0.02. */
  readonly strength?: number;
  /** Share of the run before the cut; default 0.6. */
  readonly share?: number;
}

/** strength x max(0, sum of open - stay): each open gate costs as long as more are open than may stay. */
export function openGatesPenalty(name: string, kind: GateKindName, strength: number, stay: number): Penalty {
  return {
    name: "open-gates",
    strength,
    add: (f, { weight }) => {
      const open = GATE_KINDS[kind].open(f, f.mul(weight(name)!, f.number(GAIN)));
      return f.node("Relu", [f.sub(f.sum(open, [0], false), f.number(stay))]);
    },
  };
}

export async function softMasks(run: PruneRun, method: SoftMaskMethod): Promise<PruneState> {
  const { gate = "hard-concrete", strength = 0.02, share = SPARSIFY_SHARE } = method;
  if (!Object.hasOwn(GATE_KINDS, gate))
    throw new EspalierError("usage", `There are no gates of kind "${gate}"`, { hint: "hard-concrete or sigmoid" });
  const kind = GATE_KINDS[gate];
  const at = cutStep(run, share);
  const plan = planGates(run.graph, run.groups, run.candidates);
  const seen = withCandidates(run, plan.groups);
  const start = startState(run);
  // How many gates may stay open is known of a share of the units; of a cost it is taken from where the criterion would cut.
  const stay = plan.count - chooseAt(seen, await criterionScores(seen, start), start.cut, 1).size;
  let logits: ValueId = -1;
  const first = { whole: run.graph, gates: new Float32Array(plan.count).fill(OPEN / GAIN), memory: start.memory };
  const deployed = (f: Formula, gates: ValueId) => {
    logits = f.mul(gates, f.number(GAIN));
    return kind.deployed(f, logits);
  };
  const learned = await advanceGated(
    seen,
    plan,
    first,
    deployed,
    { phase: "sparsify", from: 0, to: at },
    ({ name, factors }) => ({
      penalties: [openGatesPenalty(name, gate, strength, stay)],
      stepInputs: kind.inputs(plan.count, run.options.seed ?? 0, at),
      prepare: (builder: GraphBuilder, _graph, inputs) => {
        const f = formula(builder, "prune.gates.trained");
        builder.replaceUses(
          factors,
          kind.trained(f, logits, (input) => inputs.get(input)!),
        );
        return {};
      },
    }),
  );
  const cut = chooseAt(seen, gateScores(plan, learned.gates), new Set(), 1);
  const factors = Array.from(learned.gates, (value) => kind.deployedValue(GAIN * value));
  const state = {
    whole: foldedGates(learned.whole, plan, factors),
    cut,
    memory: modelMemory(learned, run.graph),
  };
  return advance(seen, state, { phase: "finetune", from: at, to: run.plan.steps });
}
