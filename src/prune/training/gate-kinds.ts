import type { ValueId } from "../../ir/index.ts";
import type { Formula } from "../../ops/index.ts";
import { seededRandom } from "../../tensor/index.ts";
import type { StepInput } from "../../train/index.ts";

/** The hard concrete distribution: temperature, and the interval that it is stretched to (Louizos et al. 2018, section 4). */
const BETA = 2 / 3;
const [GAMMA, ZETA] = [-0.1, 1.1];
/** Logit of a gate at the start. Deterministic hard concrete gates are then 1. */
export const OPEN = 2.5;
/** What the steepness of sigmoid gates grows to, from 1. */
const STEEPEST = 20;

/** How a kind of gate is computed from logits [gates]. */
export interface GateKind {
  /** The factor of the deployed model. */
  readonly deployed: (f: Formula, logits: ValueId) => ValueId;
  /** While it is trained, with the step inputs by name. */
  readonly trained: (f: Formula, logits: ValueId, input: (name: string) => ValueId) => ValueId;
  /** The probability (or degree) of being open, which the penalty adds up. */
  readonly open: (f: Formula, logits: ValueId) => ValueId;
  readonly inputs: (count: number, seed: number, until: number) => StepInput[];
  readonly deployedValue: (logit: number) => number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const stretched = (f: Formula, s: ValueId) =>
  f.node("Clip", [f.add(f.mul(s, f.number(ZETA - GAMMA)), f.number(GAMMA)), f.number(0), f.number(1)]);

/**
 * s = sigmoid((log u - log(1 - u) + logit) / beta), z = min(1, max(0, s (zeta - gamma) + gamma)); open with probability sigmoid(logit - beta log(-gamma / zeta)); deployed
 * as z of s = sigmoid(logit) (equations 10 to 13).
 */
const hardConcrete: GateKind = {
  deployed: (f, logits) => stretched(f, f.node("Sigmoid", [logits])),
  trained: (f, logits, input) =>
    stretched(f, f.node("Sigmoid", [f.mul(f.add(logits, input("gate-noise")), f.number(1 / BETA))])),
  open: (f, logits) => f.node("Sigmoid", [f.sub(logits, f.number(BETA * Math.log(-GAMMA / ZETA)))]),
  inputs: (count, seed) => [
    {
      name: "gate-noise",
      shape: [count],
      at: (step) => {
        const random = seededRandom(seed, `gate-noise/${step}`);
        return Float64Array.from({ length: count }, () => {
          const u = Math.min(1 - 1e-6, Math.max(1e-6, random.next()));
          return Math.log(u) - Math.log1p(-u);
        });
      },
    },
  ],
  deployedValue: (logit) => Math.min(1, Math.max(0, sigmoid(logit) * (ZETA - GAMMA) + GAMMA)),
};

/** sigmoid(t logit), t from 1 up to its steepest by the same factor each update. */
const steep: GateKind = {
  deployed: (f, logits) => f.node("Sigmoid", [f.mul(logits, f.number(STEEPEST))]),
  trained: (f, logits, input) => f.node("Sigmoid", [f.mul(logits, input("gate-steepness"))]),
  open: (f, logits) => f.node("Sigmoid", [logits]),
  inputs: (_count, _seed, until) => [
    { name: "gate-steepness", shape: [], at: (step) => [STEEPEST ** Math.min(1, step / Math.max(1, until - 1))] },
  ],
  deployedValue: (logit) => sigmoid(STEEPEST * logit),
};

/** The kinds of gates by name. */
export const GATE_KINDS = { "hard-concrete": hardConcrete, sigmoid: steep } as const;

export type GateKindName = keyof typeof GATE_KINDS;
