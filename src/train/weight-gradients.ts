import type { Graph } from "../ir/index.ts";
import { allocate, sizeOf, type Tensor, tensor } from "../tensor/index.ts";
import { openGradients } from "./gradient-session.ts";
import type { TrainingData } from "./training-data.ts";

export interface WeightGradientOptions {
  /** Samples to average over, the first ones of the data; default 512, rounded down to whole batches. */
  readonly samples?: number;
  /** Default 64. */
  readonly batch?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Mean gradient of the cross-entropy with the labels, by weight name, over the first samples of the data. Batch normalisations keep their inference
 * form: the gradient is that of the deployed function. What the Taylor criteria read.
 */
export async function weightGradients(
  graph: Graph,
  data: TrainingData,
  options: WeightGradientOptions = {},
): Promise<Map<string, Tensor<"float32">>> {
  const batch = Math.min(options.batch ?? 64, data.length);
  const rounds = Math.max(1, Math.floor(Math.min(options.samples ?? 512, data.length) / batch));
  const session = await openGradients(graph, data, batch);
  try {
    const sums = new Map(
      session.weights.map(({ name, shape }) => [name, tensor("float32", shape, allocate("float32", sizeOf(shape)))]),
    );
    for (let round = 0; round < rounds; round++) {
      const gradients = await session.gradients(Int32Array.from({ length: batch }, (_, i) => round * batch + i));
      for (const [name, { data: sum }] of sums) {
        const part = gradients.get(name)!;
        for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + part[i]! / rounds;
      }
      options.onProgress?.(round + 1, rounds);
    }
    return sums;
  } finally {
    await session.close();
  }
}
