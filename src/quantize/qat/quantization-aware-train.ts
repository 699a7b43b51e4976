import type { Graph } from "../../ir/index.ts";
import { deployPipeline, runPasses } from "../../passes/index.ts";
import { openOrt } from "../../runtimes/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import {
  checkSampleShape,
  fakeQuantizeComposites,
  type TrainingData,
  type TrainOptions,
  type TrainResult,
  train,
} from "../../train/index.ts";
import { calibrate, type RangeOptions, type Ranges } from "../calibrate.ts";
import { quantizeGraph } from "../quantize-graph.ts";
import { MCU_SCHEME, type QuantizationScheme } from "../scheme.ts";
import { fakeGraph } from "./fake-graph.ts";
import { type LearnedParts, learnedParts } from "./learned-parts.ts";
import { normalisedLayers } from "./normalised-layers.ts";
import { plainProducts } from "./plain-products.ts";

/** How quantisation-aware training runs: `train`'s options, and what the quantisation is. */
export interface QuantizationAwareOptions extends Omit<TrainOptions, "prepare" | "learned" | "adapters"> {
  /** Default MCU_SCHEME. */
  readonly scheme?: QuantizationScheme;
  /** Ranges of the folded graph's activations to start from; default: calibrated on the first 512 samples. */
  readonly ranges?: Ranges;
  /** How the default ranges are chosen; default "mse". */
  readonly calibration?: RangeOptions;
}

/** The int8 graph, and what `quantizeGraph` made it from: `quantizeGraph(float, ranges, scheme, { weightScales })` gives the same bytes. */
export interface QuantizationAwareResult extends LearnedParts, Omit<TrainResult, "graph"> {
  readonly graph: Graph;
  /** The trained graph of real numbers that rounds as int8 does: it agrees with `graph` to about a step of the output. */
  readonly simulated: Graph;
  /** The same by post-training quantisation from the same ranges, without training: what training is to be judged against. */
  readonly untrained: Graph;
}

/** Samples that the default ranges are taken from, and of a batch of them. */
const CALIBRATION_SAMPLES = 512;
const CALIBRATION_BATCH = 64;

function* batchesOf(data: TrainingData): Generator<Tensor> {
  const samples = Math.min(CALIBRATION_SAMPLES, data.length);
  for (let from = 0; from < samples; from += CALIBRATION_BATCH)
    yield data.batch(Int32Array.from({ length: Math.min(CALIBRATION_BATCH, samples - from) }, (_, i) => from + i));
}

/**
 * Trains a float32 graph with everything that int8 will hold rounded as int8 rounds it, weights and step sizes together (learned step size quantisation,
 * Esser et al. 2020), and quantises it with the learned scales: the result is what `quantizeGraph` writes, a QDQ graph. Batch normalisations that fold
 * into layers with a scale a channel stay in the loop; others are folded before. Zero points stay as calibrated. The losses are `train`'s; fine-tuning
 * rates are small: by default a cosine from 0.01.
 * @throws EspalierError as `train`, and "unsupported" where the graph has an operator without a gradient on the way to a weight.
 */
export async function quantizationAwareTrain(
  graph: Graph,
  data: TrainingData,
  options: QuantizationAwareOptions = {},
): Promise<QuantizationAwareResult> {
  const { scheme = MCU_SCHEME, ranges: given, calibration = { method: "mse" }, ...training } = options;
  checkSampleShape(graph, data);
  const source = plainProducts(runPasses(graph, deployPipeline));
  const ranges = given ?? (await calibrate(source, batchesOf(data), { open: openOrt, scheme, ...calibration }));
  const fake = fakeGraph({ graph: source, ranges, scheme, layers: normalisedLayers(graph, source, scheme) });
  const { graph: trained, ...run } = await train(fake.graph, data, {
    schedule: { kind: "cosine", rate: 0.01, warmUp: 0.05 },
    ...training,
    learned: fake.learned,
    prepare: (builder) => ({ composites: fakeQuantizeComposites(builder, fake.roundings, fake.weightRoundings) }),
  });
  const parts = learnedParts(source, fake, trained);
  const { float, weightScales } = parts;
  return {
    graph: quantizeGraph(float, parts.ranges, scheme, { weightScales }),
    simulated: trained,
    untrained: quantizeGraph(source, ranges, scheme),
    ...parts,
    ...run,
  };
}
