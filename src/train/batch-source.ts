import { mixUp } from "../data/index.ts";
import { EspalierError } from "../diagnostics/index.ts";
import { seededRandom, type Tensor } from "../tensor/index.ts";
import type { Augment } from "./augment.ts";
import type { Term } from "./objective.ts";
import { type TrainingData, targetOf } from "./training-data.ts";

/** An input of the step that a batch fills with targets. */
export interface TargetSlot {
  readonly input: string;
  readonly term: Term;
  readonly shape: readonly number[];
}

/** What decides which samples a batch has and what is done to them. */
export interface BatchSettings {
  readonly data: TrainingData;
  readonly batch: number;
  /** Batches in one pass over the data; a multiple of what one update takes. */
  readonly perEpoch: number;
  readonly seed: number;
  readonly augment?: Augment;
  readonly mixUp?: number;
  readonly labelSmoothing: number;
  readonly targets: readonly TargetSlot[];
}

/** Samples with their targets by input name, and the labels that they had before any mixing. */
export interface TrainingBatch {
  readonly samples: Tensor<"float32">;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly labels: Int32Array;
}

/**
 * Batch `number` of a run: a pure function of settings and number, so that a run that is resumed sees what it would have seen.
 * Each pass goes through the data in its own order; what does not fill the last batch waits for another pass.
 */
export function batchSource(settings: BatchSettings): (number: number) => TrainingBatch {
  const { data, batch, perEpoch, seed, targets } = settings;
  checkMixUp(settings);
  const order = Int32Array.from({ length: data.length }, (_, i) => i);
  let shuffled = -1;
  return (number) => {
    const epoch = Math.floor(number / perEpoch);
    if (epoch !== shuffled) {
      order.forEach((_, i) => {
        order[i] = i;
      });
      seededRandom(seed, `order/${epoch}`).shuffle(order);
      shuffled = epoch;
    }
    const at = number % perEpoch;
    const indices = order.slice(at * batch, (at + 1) * batch);
    let samples = data.batch(indices);
    settings.augment?.(samples, seededRandom(seed, `augment/${number}`));
    const own = targets.length === 0 ? {} : (data.targets?.(indices) ?? {});
    const inputs: Record<string, Tensor> = {};
    for (const { input, term, shape } of targets)
      inputs[input] = targetOf(term, shape, data, indices, own, settings.labelSmoothing);
    if (settings.mixUp !== undefined && settings.mixUp > 0) {
      const { input } = targets[0]!;
      const random = seededRandom(seed, `mix-up/${number}`);
      const mixed = mixUp(samples, inputs[input] as Tensor<"float32">, random, settings.mixUp);
      samples = mixed.images;
      inputs[input] = mixed.targets;
    }
    return { samples, inputs, labels: indices.map((index) => data.labels[index]!) };
  };
}

function checkMixUp({ mixUp: alpha, targets }: BatchSettings): void {
  if (alpha === undefined || alpha === 0) return;
  if (targets.length !== 1)
    throw new EspalierError("usage", `Mix-up mixes one target with the samples, this loss has ${targets.length}`, {
      hint: "Leave mix-up out.",
    });
}
