import type { Dataset } from "../../src/data/index.ts";
import { subset } from "../../src/data/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { deployPipeline, runPasses } from "../../src/passes/index.ts";
import { channelMeansFrom, observe, quantizeGraph, type RangeMethod, rangesFrom } from "../../src/quantize/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/train/index.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import { schemeOf } from "../device.ts";
import { graphFiles } from "../graph-file.ts";

export interface Quantized {
  readonly method: RangeMethod;
  readonly calibrationSamples: number;
  /** Held-out accuracy of each way of choosing ranges that was tried. */
  readonly tried: readonly { readonly method: RangeMethod; readonly accuracy: number }[];
  readonly floatAccuracy: number;
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

/** Folds batch norms, calibrates, and quantises to int8 with the ranges that keep most of the held-out accuracy. */
export async function quantizeStage(context: RunContext, from: string, graph: Graph): Promise<Staged<Quantized>> {
  const { data, config } = context;
  return runStage(context, {
    name: "quantize",
    what: "int8, calibrated on training samples",
    inputs: {
      from,
      samples: CALIBRATION_SAMPLES,
      judged: JUDGED_SAMPLES,
      methods: METHODS,
      scheme: config.target.profileClass,
    },
    compute: async () => {
      const folded = runPasses(graph, deployPipeline);
      const scheme = schemeOf(config);
      const samples = Math.min(CALIBRATION_SAMPLES, data.train.length);
      const judged = subset(
        data.heldOut,
        Int32Array.from({ length: Math.min(JUDGED_SAMPLES, data.heldOut.length) }, (_, i) => i),
      );
      const floatAccuracy = (await evaluate(folded, judged)).accuracy;
      const seen = await observe(folded, batchesOf(data.train, samples), { open: openOrt, scheme });
      const tried: { method: RangeMethod; accuracy: number; graph: Graph }[] = [];
      for (const [i, method] of METHODS.entries()) {
        // Rounding shifts the mean of a channel; the shift is taken out of the bias (Nagel et al. 2019, data-free quantization, section 4.2).
        const quantized = quantizeGraph(folded, rangesFrom(seen, { method }), scheme, {
          channelMeans: channelMeansFrom(seen),
        });
        tried.push({ method, accuracy: (await evaluate(quantized, judged)).accuracy, graph: quantized });
        context.progress.step(i + 1, METHODS.length, method);
      }
      const best = tried.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
      return {
        files: graphFiles(best.graph),
        json: {
          method: best.method,
          calibrationSamples: samples,
          tried: tried.map(({ method, accuracy }) => ({ method, accuracy })),
          floatAccuracy,
        },
      };
    },
    summary: ({ method, tried, floatAccuracy }) => {
      const own = tried.find((t) => t.method === method)!;
      return `ranges by ${method}: ${(100 * floatAccuracy).toFixed(2)} -> ${(100 * own.accuracy).toFixed(2)} % (held-out)`;
    },
  });
}
