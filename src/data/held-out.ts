import type { Dataset } from "./dataset.ts";
import { splitDataset } from "./split.ts";

/** One seed for everyone: the samples that judge a cut must not be among those that a reference model was trained on. */
const HELD_OUT_SEED = 0;

/** A training split's parts: what models learn from, and what sensitivity is measured on (a tenth, at most 2,000 samples; stratified, always the same). */
export function holdOut(training: Dataset): { readonly train: Dataset; readonly heldOut: Dataset } {
  const count = Math.min(2000, Math.max(1, Math.floor(training.length / 10)));
  const { train, validation } = splitDataset(training, { validation: count, seed: HELD_OUT_SEED });
  return { train, heldOut: validation };
}
