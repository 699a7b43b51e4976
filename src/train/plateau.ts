import type { ValueId } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Validation } from "./validation.ts";

/** By what a model is called better. */
export type Metric = "loss" | "accuracy";

/** The best epoch so far, with the constants of the model as they were then. */
export interface Best {
  readonly epoch: number;
  readonly validation: Validation;
  readonly constants: ReadonlyMap<ValueId, Tensor<"float32">>;
}

/**
 * Whether a validation is better than the best one, by at least `least`; of equal accuracies the one with less loss is. A loss that is no number is
 * never better.
 */
export function isBetter(now: Validation, best: Validation | null, metric: Metric, least: number): boolean {
  if (metric === "accuracy") {
    if (best === null || now.accuracy! > best.accuracy! + least) return true;
    return now.accuracy === best.accuracy && now.loss < best.loss - least;
  }
  if (!Number.isFinite(now.loss)) return false;
  return best === null || now.loss < best.loss - least;
}
