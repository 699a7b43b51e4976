import type { Normalisation } from "./normalise.ts";

/** The two parts that a data set comes in. */
export type Split = "train" | "test";

/** Share of each class that is the test split when the data have none of their own. */
export const HELD_OUT_FRACTION = 0.2;

/** How `loadDataset` reads a folder. */
export interface LoadOptions {
  readonly split: Split;
  /** Shape of one sample that the model takes (C, H, W). Images are converted to it; IDX samples must already have it. */
  readonly sampleShape?: readonly number[];
  /** Overrides dataset.json; the default of both is 8-bit images in 0..1. */
  readonly normalisation?: Normalisation;
  /** Called while images are decoded, with the number done and the total. */
  readonly onProgress?: (done: number, total: number) => void;
}
