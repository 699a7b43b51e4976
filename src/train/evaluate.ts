import { type Graph, valueById } from "../ir/index.ts";
import { openOrt } from "../runtimes/onnxruntime.ts";
import { type Tensor, tensor, toFloat32 } from "../tensor/index.ts";
import { checkFit, type Head, headOf } from "./head.ts";
import { sessionOptions } from "./session-options.ts";
import type { TrainingData } from "./training-data.ts";

/** How well a classifier does on a data set. */
export interface Evaluation {
  /** Share of samples whose greatest score is the label's. */
  readonly accuracy: number;
  /** Mean cross-entropy with the labels. */
  readonly loss: number;
  readonly n: number;
  /** The graph's output for every sample, [n, classes]: logits, or probabilities when it ends in a softmax. */
  readonly scores: Tensor<"float32">;
}

/** How `evaluate` runs the model. */
export interface EvaluateOptions {
  /** Samples a run; default 250. A model with a fixed batch runs with that. */
  readonly batch?: number;
  readonly threads?: number;
}

/** Mean of -log p(label), from logits or probabilities. */
function crossEntropy(scores: Float32Array, labels: Int32Array, head: Head): number {
  const { classes, probabilities } = head;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = scores.subarray(i * classes, (i + 1) * classes);
    const own = row[labels[i]!]!;
    if (probabilities) {
      total -= Math.log(Math.max(own, 1e-30));
      continue;
    }
    let greatest = Number.NEGATIVE_INFINITY;
    for (const value of row) greatest = Math.max(greatest, value);
    let sum = 0;
    for (const value of row) sum += Math.exp(value - greatest);
    total += greatest + Math.log(sum) - own;
  }
  return total / labels.length;
}

/** Number of rows whose greatest score is the label's. */
export function hits(scores: Float32Array, labels: ArrayLike<number>, classes: number): number {
  let count = 0;
  for (let i = 0; i < labels.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (scores[i * classes + k]! > scores[i * classes + best]!) best = k;
    if (best === labels[i]) count++;
  }
  return count;
}

/** The scores of every sample, [n, classes], from ONNX Runtime. */
export async function scoresOf(
  graph: Graph,
  data: TrainingData,
  options: EvaluateOptions = {},
): Promise<Tensor<"float32">> {
  const { classes } = headOf(graph);
  const fixed = valueById(graph, graph.inputs[0]!).type.shape[0];
  const batch = typeof fixed === "number" ? fixed : (options.batch ?? 250);
  const scores = new Float32Array(data.length * classes);
  const session = await openOrt(graph, sessionOptions(options.threads));
  try {
    const [input, output] = [session.inputNames[0]!, session.outputNames[0]!];
    for (let from = 0; from < data.length; from += batch) {
      const count = Math.min(batch, data.length - from);
      // A fixed batch is filled up with the last sample.
      const rows = typeof fixed === "number" ? batch : count;
      const indices = Int32Array.from({ length: rows }, (_, i) => Math.min(from + i, data.length - 1));
      const result = await session.run({ [input]: data.batch(indices) });
      scores.set(toFloat32(result[output]!).subarray(0, count * classes), from * classes);
    }
  } finally {
    await session.close();
  }
  return tensor("float32", [data.length, classes], scores);
}

/** Accuracy and loss of a classifier over a whole data set. */
export async function evaluate(graph: Graph, data: TrainingData, options: EvaluateOptions = {}): Promise<Evaluation> {
  const head = headOf(graph);
  checkFit(graph, head, data);
  const scores = await scoresOf(graph, data, options);
  return {
    accuracy: hits(scores.data, data.labels, head.classes) / data.length,
    loss: crossEntropy(scores.data, data.labels, head),
    n: data.length,
    scores,
  };
}
