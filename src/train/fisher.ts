import { EspalierError } from "../diagnostics/index.ts";
import type { Graph } from "../ir/index.ts";
import { seededRandom, sizeOf } from "../tensor/index.ts";
import { openGradients } from "./gradient-session.ts";
import type { TrainingData } from "./training-data.ts";

/** How many samples the Fisher information is averaged over, and which. */
export interface FisherOptions {
  /** Samples to average over, drawn without repetition; default 256, or all where there are fewer. */
  readonly samples?: number;
  /** Which samples are drawn; default 0. */
  readonly seed?: number;
  /** Threads of ONNX Runtime; default all. */
  readonly threads?: number;
  /**
   * Called with the gradients of each sample by weight name, for sums that the diagonal does not hold (a unit's squared sum of weight times gradient, say).
   * The arrays are not kept: they may be changed.
   */
  readonly accumulate?: (gradients: ReadonlyMap<string, Float32Array>, sample: number) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Diagonal of the empirical Fisher information of a classifier's weights, by weight name: the mean over samples of the squared gradient of
 * log p(label | sample) (Theis et al. 2018, "Faster gaze prediction with dense networks and Fisher pruning"; Kunstner et al. 2019 on how it differs from
 * the Fisher information, whose labels are the model's own). Each sample goes through alone, since a batch would add gradients up before they are squared;
 * batch normalisations keep their inference form.
 */
export async function fisherDiagonal(
  graph: Graph,
  data: TrainingData,
  options: FisherOptions = {},
): Promise<Map<string, Float32Array>> {
  const count = Math.min(options.samples ?? 256, data.length);
  if (!Number.isInteger(count) || count < 1)
    throw new EspalierError("usage", `The Fisher information needs at least one sample, got ${count}`, {
      where: data.name,
    });
  const order = Int32Array.from({ length: data.length }, (_, i) => i);
  seededRandom(options.seed ?? 0, "fisher").shuffle(order);
  const session = await openGradients(graph, data, 1, options.threads);
  try {
    // Doubles: thousands of small squares are added.
    const sums = new Map(session.weights.map(({ name, shape }) => [name, new Float64Array(sizeOf(shape))]));
    for (let i = 0; i < count; i++) {
      const gradients = await session.gradients(order.slice(i, i + 1));
      for (const [name, sum] of sums) {
        const own = gradients.get(name)!;
        for (let k = 0; k < sum.length; k++) sum[k] = sum[k]! + own[k]! * own[k]!;
      }
      options.accumulate?.(gradients, order[i]!);
      options.onProgress?.(i + 1, count);
    }
    return new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum, (value) => value / count)]));
  } finally {
    await session.close();
  }
}
