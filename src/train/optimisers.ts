import type { ValueId } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";
import { float32 } from "../tensor/index.ts";

/** Stochastic gradient descent with momentum; decay is added to the gradient (L2). */
export interface SgdOptions {
  readonly kind: "sgd";
  /** Default 0.9; 0 keeps no state. */
  readonly momentum?: number;
  /** Default true. */
  readonly nesterov?: boolean;
  /** Default 0. */
  readonly weightDecay?: number;
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019). */
export interface AdamWOptions {
  readonly kind: "adamw";
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Default 0.01. */
  readonly weightDecay?: number;
}

/** Adam with its decay in the gradient (Kingma & Ba 2015; L2), which its averages then scale with the rest. */
export interface AdamOptions {
  readonly kind: "adam";
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Default 0. */
  readonly weightDecay?: number;
}

/** An optimiser with its settings. Decay pulls at weights of contractions only: biases, slopes and normalisations have none. */
export type Optimiser = SgdOptions | AdamOptions | AdamWOptions;

/** Scalars that change with every step, as graph inputs. */
export interface StepScalars {
  readonly rate: ValueId;
  /** 1 / (1 - beta^t) for Adam's two averages. */
  readonly corrections: readonly ValueId[];
}

/** Number of tensors that the optimiser remembers for each weight. */
export function slotCount(optimiser: Optimiser): number {
  if (optimiser.kind !== "sgd") return 2;
  return (optimiser.momentum ?? 0.9) === 0 ? 0 : 1;
}

/** Adam's bias corrections at step t (from 1); none for SGD. */
export function correctionsAt(optimiser: Optimiser, t: number): number[] {
  if (optimiser.kind === "sgd") return [];
  return [1 / (1 - (optimiser.beta1 ?? 0.9) ** t), 1 / (1 - (optimiser.beta2 ?? 0.999) ** t)];
}

export interface Update {
  readonly weight: ValueId;
  readonly slots: readonly ValueId[];
}

/** Adds the nodes of one step of the optimiser for one weight: its new value and new state. */
export function addUpdate(
  f: Formula,
  optimiser: Optimiser,
  weight: ValueId,
  gradient: ValueId,
  slots: readonly ValueId[],
  step: StepScalars & { readonly decays: boolean },
): Update {
  const { length: rank } = f.shape(weight);
  const aligned = {
    rate: alignedScalar(f, step.rate, rank),
    corrections: step.corrections.map((correction) => alignedScalar(f, correction, rank)),
  };
  const own = { ...f, number: (value: number) => f.constant(float32(new Array<number>(rank).fill(1), [value])) };
  return optimiser.kind === "sgd"
    ? sgd(own, optimiser, weight, gradient, slots, aligned, step.decays)
    : adam(own, optimiser, weight, gradient, slots, aligned, step.decays);
}

/** A scalar with as many axes as what it scales: ONNX Runtime scales [256, 256, 1, 1] by a scalar without axes number by number, 40 times as slowly. */
function alignedScalar(f: Formula, scalar: ValueId, rank: number): ValueId {
  return rank < 2 ? scalar : f.reshape(scalar, new Array<number>(rank).fill(1));
}

function sgd(
  f: Formula,
  options: SgdOptions,
  weight: ValueId,
  gradient: ValueId,
  slots: readonly ValueId[],
  { rate }: StepScalars,
  decays: boolean,
): Update {
  const momentum = options.momentum ?? 0.9;
  const decay = decays ? (options.weightDecay ?? 0) : 0;
  const g = decay === 0 ? gradient : f.add(gradient, f.mul(weight, f.number(decay)));
  if (momentum === 0) return { weight: f.sub(weight, f.mul(g, rate)), slots: [] };
  // v' = mu v + g; w' = w - rate v', or w - rate (g + mu v') with Nesterov's look-ahead.
  const velocity = f.add(f.mul(slots[0]!, f.number(momentum)), g);
  const direction = (options.nesterov ?? true) ? f.add(g, f.mul(velocity, f.number(momentum))) : velocity;
  return { weight: f.sub(weight, f.mul(direction, rate)), slots: [velocity] };
}

function adam(
  f: Formula,
  options: AdamOptions | AdamWOptions,
  weight: ValueId,
  gradient: ValueId,
  slots: readonly ValueId[],
  { rate, corrections }: StepScalars,
  decays: boolean,
): Update {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const decoupled = options.kind === "adamw";
  const decay = decays ? (options.weightDecay ?? (decoupled ? 0.01 : 0)) : 0;
  const pull = (direction: ValueId) => (decay === 0 ? direction : f.add(direction, f.mul(weight, f.number(decay))));
  const average = (old: ValueId, now: ValueId, beta: number) =>
    f.add(f.mul(old, f.number(beta)), f.mul(now, f.number(1 - beta)));
  const g = decoupled ? gradient : pull(gradient);
  const first = average(slots[0]!, g, beta1);
  const second = average(slots[1]!, f.mul(g, g), beta2);
  const scale = f.add(f.node("Sqrt", [f.mul(second, corrections[1]!)]), f.number(epsilon));
  const step = f.div(f.mul(first, corrections[0]!), scale);
  const direction = decoupled ? pull(step) : step;
  return { weight: f.sub(weight, f.mul(direction, rate)), slots: [first, second] };
}
