import { EspalierError } from "../diagnostics/index.ts";
import type { TrainOptions } from "./train-options.ts";
import type { TrainingData } from "./training-data.ts";

/** How long a run is. */
export interface Plan {
  readonly batch: number;
  /** Batches an update. */
  readonly accumulate: number;
  /** Updates an epoch. */
  readonly perEpoch: number;
  readonly steps: number;
}

/** The length of a run of `train` with these data and options. Throws EspalierError for an empty data set, and for lengths and batches that are none. */
export function planOf(
  data: Pick<TrainingData, "name" | "length">,
  options: Pick<TrainOptions, "batch" | "accumulate" | "epochs" | "steps">,
): Plan {
  if (data.length === 0) throw new EspalierError("input", "The data set is empty", { where: data.name });
  const accumulate = options.accumulate ?? 1;
  const batch = Math.min(options.batch ?? 64, Math.max(1, Math.floor(data.length / accumulate)));
  const perEpoch = Math.floor(data.length / (batch * accumulate));
  const steps = options.steps ?? (options.epochs ?? 1) * perEpoch;
  if (batch < 1 || !Number.isInteger(batch) || !(steps >= 0))
    throw new EspalierError("usage", `Training needs a positive batch and number of steps, got ${batch} and ${steps}`);
  if (!Number.isInteger(accumulate) || accumulate < 1 || perEpoch < 1)
    throw new EspalierError("usage", `An update cannot take ${accumulate} batches of ${data.length} samples`, {
      where: data.name,
      hint: "Accumulate a whole number of batches, no more than there are samples.",
    });
  return { batch, accumulate, perEpoch, steps: Math.round(steps) };
}
