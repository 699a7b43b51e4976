import { EspalierError } from "../diagnostics/index.ts";
import type { ValueId } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";

/**
 * The decay of the moving average at update t (from 1): `decay`, but no more than (1 + t) / (10 + t), so that the first averages do not hang on
 * to the initial weights (TensorFlow's ExponentialMovingAverage with num_updates).
 */
export function averagingAt(decay: number, t: number): number {
  return Math.min(decay, (1 + t) / (10 + t));
}

/** decay * average + (1 - decay) * value. */
export function addAverage(f: Formula, average: ValueId, value: ValueId, decay: ValueId): ValueId {
  return f.add(f.mul(average, decay), f.mul(value, f.sub(f.number(1), decay)));
}

/** Refuses a decay outside 0 to 1. */
export function checkDecay(decay: number): void {
  if (!(decay >= 0 && decay < 1))
    throw new EspalierError("usage", `A moving average of decay ${decay}`, {
      hint: "Give a number from 0 to below 1; 0.999 is usual.",
    });
}
