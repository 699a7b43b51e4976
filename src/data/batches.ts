import { EspalierError } from "../diagnostics/index.ts";
import { seededRandom, type Tensor } from "../tensor/index.ts";
import type { Dataset } from "./dataset.ts";

/** How `batches` walks a data set. */
export interface BatchOptions {
  /** Samples per batch, at least 1. */
  readonly batch: number;
  /** Random order; the default is the stored one. */
  readonly shuffle?: boolean;
  readonly seed?: number;
  /** Gives each epoch its own order; the same seed and epoch always give the same. */
  readonly epoch?: number;
  /** Leave out a last batch that is not full, for graphs of a fixed batch size. */
  readonly dropLast?: boolean;
}

/** Some samples with their labels. */
export interface Batch {
  /** [n, C, H, W], normalised. */
  readonly images: Tensor<"float32">;
  readonly labels: Int32Array;
  /** Which samples of the data set these are. */
  readonly indices: Int32Array;
}

/** How many batches `batches` yields. */
export function batchCount(dataset: Dataset, options: BatchOptions): number {
  const exact = dataset.length / options.batch;
  return options.dropLast === true ? Math.floor(exact) : Math.ceil(exact);
}

/** One pass over a data set. Throws EspalierError "usage" on a batch size that is not a positive integer. */
export function* batches(dataset: Dataset, options: BatchOptions): Generator<Batch, void, undefined> {
  const { batch, shuffle = false, seed = 0, epoch = 0 } = options;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new EspalierError("usage", `Batch size ${batch}`, { hint: "Give a whole number of samples, 1 or more." });
  }
  const order = Int32Array.from({ length: dataset.length }, (_, i) => i);
  if (shuffle) seededRandom(seed, `batches/${epoch}`).shuffle(order);
  const count = batchCount(dataset, options);
  for (let i = 0; i < count; i++) {
    const indices = order.slice(i * batch, Math.min((i + 1) * batch, order.length));
    const labels = indices.map((index) => dataset.labels[index]!);
    yield { images: dataset.batch(indices), labels, indices };
  }
}
