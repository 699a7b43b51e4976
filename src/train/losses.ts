import type { ValueId } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";
import { type Tensor, tensor } from "../tensor/index.ts";

/** Distillation: how soft the distributions are compared, and how much of the loss that is. */
export interface Distillation {
  /** Logits are divided by it before the softmax; default 2. */
  readonly temperature?: number;
  /** Share of the distillation term in the loss, the rest is the losses against the targets; default 0.5, without labels 1. */
  readonly weight?: number;
  /** false: the teacher alone teaches, and labels are not looked at; default true. */
  readonly labels?: boolean;
}

/** Rows of target probabilities [n, classes]: 1 - smoothing on the label, the smoothing shared by all classes (Szegedy et al. 2016). */
export function smoothedTargets(labels: ArrayLike<number>, classes: number, smoothing: number): Tensor<"float32"> {
  const data = new Float32Array(labels.length * classes).fill(smoothing / classes);
  for (let i = 0; i < labels.length; i++) data[i * classes + labels[i]!]! += 1 - smoothing;
  return tensor("float32", [labels.length, classes], data);
}

/** Mean over the batch of -sum(target * log softmax(logits)); logits and target are [n, classes]. */
export function addCrossEntropy(f: Formula, logits: ValueId, target: ValueId): ValueId {
  const n = f.shape(logits)[0]!;
  const logProbabilities = f.node("LogSoftmax", [logits], { axis: -1 });
  return f.mul(f.sum(f.mul(target, logProbabilities), [0, 1], false), f.number(-1 / n));
}

/** T^2 KL(softmax(teacher / T) || softmax(logits / T)), mean over the batch (Hinton et al. 2015; T^2 keeps the gradient's size whatever T). */
export function addDistillation(f: Formula, logits: ValueId, teacher: ValueId, temperature: number): ValueId {
  const n = f.shape(logits)[0]!;
  const soften = (id: ValueId) => f.node("LogSoftmax", [f.mul(id, f.number(1 / temperature))], { axis: -1 });
  const wanted = soften(teacher);
  const difference = f.sub(wanted, soften(logits));
  return f.mul(f.sum(f.mul(f.node("Exp", [wanted]), difference), [0, 1], false), f.number(temperature ** 2 / n));
}

/**
 * Mean over all elements of -(t log p + (1 - t) log(1 - p)) with p = sigmoid(x), in the form that does not overflow:
 * log(1 + exp(x)) - x t, whose gradient sigmoid(x) - t is right at 0 too.
 */
export function addBinaryCrossEntropy(f: Formula, logits: ValueId, target: ValueId): ValueId {
  return mean(f, f.sub(f.node("Softplus", [logits]), f.mul(logits, target)));
}

/** Mean over all elements of (output - target)^2. */
export function addMeanSquaredError(f: Formula, output: ValueId, target: ValueId): ValueId {
  const difference = f.sub(output, target);
  return mean(f, f.mul(difference, difference));
}

/** Mean over all elements of |output - target|; the gradient is 0 where they are equal. */
export function addMeanAbsoluteError(f: Formula, output: ValueId, target: ValueId): ValueId {
  return mean(f, f.node("Abs", [f.sub(output, target)]));
}

/**
 * Mean over all elements of Huber's function (1964) of d = output - target: d^2 / 2 up to delta, delta (|d| - delta / 2) beyond.
 * With q = min(|d|, delta) that is q (|d| - q / 2).
 */
export function addHuber(f: Formula, output: ValueId, target: ValueId, delta: number): ValueId {
  const size = f.node("Abs", [f.sub(output, target)]);
  // Clip rather than Min: its rule passes the gradient on below the bend and none above, as the formula has it.
  const inner = f.node("Clip", [size, f.number(0), f.number(delta)]);
  return mean(f, f.mul(inner, f.sub(size, f.mul(inner, f.number(0.5)))));
}

function mean(f: Formula, x: ValueId): ValueId {
  const shape = f.shape(x);
  const total = f.sum(
    x,
    shape.map((_, axis) => axis),
    false,
  );
  return f.mul(total, f.number(1 / shape.reduce((a, b) => a * b, 1)));
}
