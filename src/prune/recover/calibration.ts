import { EspalierError } from "../../diagnostics/index.ts";
import { type Graph, valueById } from "../../ir/index.ts";
import { seededRandom, type Tensor } from "../../tensor/index.ts";
import type { TrainingData } from "../../train/index.ts";

/** Values of the graph's inputs by name. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** Every so many batches one is held back: what is fitted to the others is judged by it. */
const HELD_BACK = 4;
/** Samples a batch, where the graph does not say. */
const BATCH = 32;

/** Batches that layers are fitted to, and those that judge the fit. */
export interface Calibration {
  readonly batches: readonly Feeds[];
  readonly heldBack: (batch: number) => boolean;
}

/**
 * Samples drawn from a data set (or batches as they are given); labels are not looked at. Of four batches one is held back.
 * @throws EspalierError "input" where there are not two batches.
 */
export function calibrationOf(
  graph: Graph,
  data: TrainingData | readonly Feeds[],
  samples: number,
  seed: number,
): Calibration {
  const batches = isData(data) ? drawn(graph, data, samples, seed) : data;
  if (batches.length < 2)
    throw new EspalierError("input", `Fitting layers takes at least two batches of samples, got ${batches.length}`, {
      hint: "Give more samples: one batch is held back to judge the fit.",
    });
  const every = Math.min(HELD_BACK, batches.length);
  return { batches, heldBack: (batch) => batch % every === every - 1 };
}

export function isData(data: TrainingData | readonly Feeds[]): data is TrainingData {
  return !Array.isArray(data);
}

function drawn(graph: Graph, data: TrainingData, samples: number, seed: number): Feeds[] {
  if (graph.inputs.length !== 1)
    throw new EspalierError("usage", `A data set feeds one input, the graph has ${graph.inputs.length}`, {
      where: `graph "${graph.name}"`,
      hint: "Give batches of feeds: tensors by input name.",
    });
  const { name, type } = valueById(graph, graph.inputs[0]!);
  const fixed = type.shape[0];
  const wanted = Math.min(samples, data.length);
  const batch = typeof fixed === "number" ? fixed : Math.max(1, Math.min(BATCH, Math.floor(wanted / HELD_BACK)));
  const order = Int32Array.from({ length: data.length }, (_, i) => i);
  seededRandom(seed, "recover").shuffle(order);
  return Array.from({ length: Math.floor(wanted / batch) }, (_, i) => ({
    [name]: data.batch(order.subarray(i * batch, (i + 1) * batch)),
  }));
}
