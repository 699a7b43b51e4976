import type { Dataset } from "../../src/data/index.ts";
import { subset } from "../../src/data/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { deployPipeline, runPasses } from "../../src/passes/index.ts";
import {
  channelMeansFrom,
  observe,
  quantizationAwareTrain,
  quantizeGraph,
  type RangeMethod,
  type Ranges,
  rangesFrom,
} from "../../src/quantize/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { evaluate, shiftAndFlip } from "../../src/train/index.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import { schemeOf } from "../device.ts";
import { graphFiles } from "../graph-file.ts";
import type { ImportedModel } from "./import.ts";

export interface Quantized {
  readonly method: RangeMethod;
  readonly calibrationSamples: number;
  /** Held-out accuracy of each way of choosing ranges that was tried. */
  readonly tried: readonly { readonly method: RangeMethod; readonly accuracy: number }[];
  readonly floatAccuracy: number;
  /** Quantisation-aware training, where it was asked for: its held-out accuracy, and whether that was no lower. */
  readonly aware?: { readonly epochs: number; readonly accuracy: number; readonly kept: boolean };
}

/** Training samples that the activations' ranges are taken from; 256 to 1,024 is the field's custom. */
const CALIBRATION_SAMPLES = 512;
/** Held-out samples that choose between the ways of choosing ranges. */
const JUDGED_SAMPLES = 1000;
const METHODS: readonly RangeMethod[] = ["mse", "percentile", "minmax"];

function* batchesOf(data: Dataset, samples: number): Generator<Tensor> {
  const step = 64;
  for (let from = 0; from < samples; from += step)
    yield data.batch(Int32Array.from({ length: Math.min(step, samples - from) }, (_, i) => from + i));
}

/** Learning rate that quantisation-aware training starts from: the weights have been trained, only their rounding is new. */
const AWARE_RATE = 0.01;

/** Trains a graph with int8 rounding in the loop, distilled from the original as fine-tuning is. */
async function trainAware(context: RunContext, model: ImportedModel, graph: Graph, ranges: Ranges): Promise<Graph> {
  const { data, config } = context;
  const { batch, distillation, temperature } = config.target.recovery;
  const trained = await quantizationAwareTrain(graph, data.train, {
    scheme: schemeOf(config),
    ranges,
    epochs: config.qat,
    batch,
    seed: config.seed,
    schedule: { kind: "cosine", rate: AWARE_RATE, warmUp: 0.05 },
    teacher: { graph: model.graph, weight: distillation, temperature },
    augment: shiftAndFlip({ shift: 1, flip: false }),
    signal: context.signal,
    onProgress: ({ step, steps, loss }) => context.progress.step(step, steps, `rounded, loss ${loss.toFixed(3)}`),
  });
  return trained.graph;
}

/** An int8 graph with the ranges that it was made with and its held-out accuracy. */
interface Tried {
  readonly method: RangeMethod;
  readonly accuracy: number;
  readonly graph: Graph;
  readonly ranges: Ranges;
}

/** Quantises a folded graph by each way of choosing ranges from one observation. */
async function tryMethods(context: RunContext, folded: Graph, judged: Dataset, samples: number): Promise<Tried[]> {
  const scheme = schemeOf(context.config);
  const seen = await observe(folded, batchesOf(context.data.train, samples), { open: openOrt, scheme });
  // Rounding shifts the mean of a channel; the shift is taken out of the bias (Nagel et al. 2019, data-free quantization, section 4.2).
  const channelMeans = channelMeansFrom(seen);
  const tried: Tried[] = [];
  for (const [i, method] of METHODS.entries()) {
    const ranges = rangesFrom(seen, { method });
    const graph = quantizeGraph(folded, ranges, scheme, { channelMeans });
    tried.push({ method, accuracy: (await evaluate(graph, judged)).accuracy, graph, ranges });
    context.progress.step(i + 1, METHODS.length, method);
  }
  return tried;
}

/**
 * Folds batch norms, calibrates, and quantises to int8 with the ranges that keep most of the held-out accuracy; trains on from there with the rounding in the
 * loop when that was asked for, and keeps the better of the two.
 */
export async function quantizeStage(
  context: RunContext,
  model: ImportedModel,
  from: string,
  graph: Graph,
): Promise<Staged<Quantized>> {
  const { data, config } = context;
  return runStage(context, {
    name: "quantize",
    what: `int8, calibrated on training samples${config.qat === 0 ? "" : `, then trained for ${config.qat} epochs`}`,
    inputs: {
      from,
      samples: CALIBRATION_SAMPLES,
      judged: JUDGED_SAMPLES,
      methods: METHODS,
      scheme: config.target.profileClass,
      ...(config.qat === 0 ? {} : { qat: config.qat, recovery: config.target.recovery, seed: config.seed }),
    },
    compute: async () => {
      const folded = runPasses(graph, deployPipeline);
      const samples = Math.min(CALIBRATION_SAMPLES, data.train.length);
      const judged = subset(
        data.heldOut,
        Int32Array.from({ length: Math.min(JUDGED_SAMPLES, data.heldOut.length) }, (_, i) => i),
      );
      const floatAccuracy = (await evaluate(folded, judged)).accuracy;
      const tried = await tryMethods(context, folded, judged, samples);
      const best = tried.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
      const trained = config.qat === 0 ? null : await trainAware(context, model, graph, best.ranges);
      const accuracy = trained === null ? 0 : (await evaluate(trained, judged)).accuracy;
      const kept = trained !== null && accuracy >= best.accuracy;
      return {
        files: graphFiles(kept ? trained : best.graph),
        json: {
          method: best.method,
          calibrationSamples: samples,
          tried: tried.map(({ method, accuracy }) => ({ method, accuracy })),
          floatAccuracy,
          ...(trained === null ? {} : { aware: { epochs: config.qat, accuracy, kept } }),
        },
      };
    },
    summary: ({ method, tried, floatAccuracy, aware }) => {
      const own = tried.find((t) => t.method === method)!;
      const percent = (share: number) => (100 * share).toFixed(2);
      const after =
        aware === undefined ? "" : `, trained ${percent(aware.accuracy)} %${aware.kept ? "" : " (not kept)"}`;
      return `ranges by ${method}: ${percent(floatAccuracy)} -> ${percent(own.accuracy)} % (held-out)${after}`;
    },
  });
}
