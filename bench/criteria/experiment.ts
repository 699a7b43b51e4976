import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Dataset, holdOut, loadDataset } from "../../src/data/index.ts";
import { readOnnx } from "../../src/formats/onnx/index.ts";
import { sha256 } from "../../src/io/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { macsOf } from "../../src/ops/index.ts";
import { importPipeline, runPasses } from "../../src/passes/index.ts";
import { findGroups, type PruneGroup, type PruneGroups } from "../../src/prune/index.ts";
import type { TrainOptions } from "../../src/train/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODEL = "models/resnet8.onnx";
const DATA = "data/fashion-mnist";

/** Fewest channels that a group keeps. */
export const MINIMUM = 4;
/** Images that batch normalisation is re-estimated on. */
export const REESTIMATE = { batches: 10, batch: 200 };
/** Held-out images that the loss without a unit is measured on. */
export const ABLATION = 500;
/** How far MACs may be from the target, as a share of it. */
export const TOLERANCE = 0.02;
/** Draws of the random control. */
export const DRAWS = [1, 2, 3];

const SGD = { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 5e-4 } as const;

/** Fine-tuning, the same for all. It was tried with `l1` on the held-out part of the training images, never on the test images. */
export const TUNING = {
  epochs: 1,
  batch: 64,
  optimiser: SGD,
  schedule: { kind: "cosine", rate: 0.05, warmUp: 0.05 },
  labelSmoothing: 0.05,
} as const satisfies TrainOptions;

/** Training from scratch, by the recipe of the reference model (models/resnet8.md); `epochs` there is 14. */
export const SCRATCH = {
  ...TUNING,
  epochs: 14,
  schedule: { kind: "cosine", rate: 0.15, warmUp: 0.1 },
} as const satisfies TrainOptions;

/** Greatest shift and mirroring of the training images, as for the reference model. */
export const AUGMENTATION = { shift: 1, flip: true };

/** Everything that the cases share. */
export interface Experiment {
  readonly graph: Graph;
  readonly groups: PruneGroups;
  readonly channels: readonly PruneGroup[];
  readonly train: Dataset;
  /** Training images that no model has seen. */
  readonly heldOut: Dataset;
  readonly test: Dataset;
  readonly macs: number;
  /** Tells results of these settings from others. */
  readonly fingerprint: string;
}

export function macsIn(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0);
}

export async function openExperiment(): Promise<Experiment> {
  const bytes = readFileSync(`${ROOT}/${MODEL}`);
  const graph = runPasses(readOnnx(bytes, { name: "resnet8" }), importPipeline);
  const load = (split: "train" | "test") => loadDataset(`${ROOT}/${DATA}`, { split, sampleShape: [1, 28, 28] });
  const [all, test] = [await load("train"), await load("test")];
  const { train, heldOut } = holdOut(all);
  const groups = findGroups(graph);
  const settings = [MINIMUM, REESTIMATE, TOLERANCE, TUNING, SCRATCH, AUGMENTATION, train.length, test.length];
  return {
    graph,
    groups,
    channels: groups.groups.filter((group) => group.kind === "channels"),
    train,
    heldOut,
    test,
    macs: macsIn(graph),
    fingerprint: `${sha256(bytes).slice(0, 12)}-${sha256(Buffer.from(JSON.stringify(settings))).slice(0, 12)}`,
  };
}
