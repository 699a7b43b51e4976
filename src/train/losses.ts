import type { ValueId } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";
import { type Tensor, tensor } from "../tensor/index.ts";

/** Distillation: how soft the distributions are compared, and how much of the loss that is. */
export interface Distillation {
  /** Logits are divided by it before the softmax; default 2. */
  readonly temperature?: number;
  /** Share of the distillation term in the loss, the rest is cross-entropy with the labels; default 0.5. */
  readonly weight?: number;
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
