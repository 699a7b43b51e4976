import { createHash } from "node:crypto";
import { type Dataset, holdOut, loadDataset, subset } from "../src/data/index.ts";
import { bytesOf } from "../src/tensor/index.ts";
import type { DeployConfig } from "./config.ts";
import type { RunData } from "./context.ts";

/** Loads the data set in the shape that the model takes, and splits it. */
export async function loadRunData(config: DeployConfig, sampleShape: readonly number[]): Promise<RunData> {
  const [training, test] = await Promise.all([
    loadDataset(config.data, { split: "train", sampleShape }),
    loadDataset(config.data, { split: "test", sampleShape }),
  ]);
  const { train, heldOut } = holdOut(training);
  const count = config.testSamples;
  const judged =
    count === null || count >= test.length
      ? test
      : subset(
          test,
          Int32Array.from({ length: count }, (_, i) => i),
        );
  return { train, heldOut, test: judged };
}

/** SHA-256 over every normalised sample and label: what the results depend on, wherever the files lie. */
export function hashDataset(dataset: Dataset): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([dataset.sampleShape, dataset.classes, dataset.normalisation]));
  const step = 1000;
  for (let from = 0; from < dataset.length; from += step) {
    const indices = Int32Array.from({ length: Math.min(step, dataset.length - from) }, (_, i) => from + i);
    hash.update(bytesOf(dataset.batch(indices)));
    hash.update(Uint8Array.from(indices, (i) => dataset.labels[i]! & 255));
  }
  return hash.digest("hex");
}
