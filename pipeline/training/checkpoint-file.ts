import { rm } from "node:fs/promises";
import type { Dataset } from "../../src/data/index.ts";
import { withContext } from "../../src/diagnostics/index.ts";
import { hashJson, readInputFile, writeFileAtomic } from "../../src/io/index.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../src/train/index.ts";
import { hashDataset } from "../data.ts";
import type { Augmentation } from "./augmentation.ts";

/** Where a run of training keeps its checkpoint. */
export interface CheckpointFile {
  readonly path: string;
  /** What the run depends on besides the trainer's options: samples, labels and how samples are changed. */
  readonly identity: string;
  read(): Promise<Checkpoint>;
  write(checkpoint: Checkpoint): Promise<void>;
  remove(): Promise<void>;
}

/** The checkpoint beside an output, OUT.checkpoint. */
export function checkpointFile(
  out: string,
  facts: { readonly augment: Augmentation; readonly data: Dataset },
): CheckpointFile {
  const path = `${out}.checkpoint`;
  return {
    path,
    identity: hashJson({ augment: facts.augment, data: hashDataset(facts.data) }),
    read: async () => {
      const hint = "Only a run that was stopped can be resumed, with the same --out: leave --resume out to start anew.";
      const bytes = await readInputFile(path, { what: "checkpoint", hint });
      try {
        return decodeCheckpoint(bytes);
      } catch (error) {
        throw withContext(error, path);
      }
    },
    write: (checkpoint) => writeFileAtomic(path, encodeCheckpoint(checkpoint)),
    remove: () => rm(path, { force: true }),
  };
}
