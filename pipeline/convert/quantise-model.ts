import { type Dataset, loadDataset } from "../../src/data/index.ts";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { convertFloat16, deployPipeline, runPasses } from "../../src/passes/index.ts";
import {
  channelMeansFrom,
  compressWeights,
  MOBILE_SCHEME,
  observe,
  quantizeGraph,
  rangesFrom,
} from "../../src/quantize/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { permute, type Tensor } from "../../src/tensor/index.ts";
import type { Arithmetic } from "../model-check/exactness.ts";

/** How `convert` stores weights and activations. */
export type QuantizeKind = "none" | "fp16" | "dynamic" | "int8";

/** Samples for a model's only input, in its own layout. */
export interface Samples {
  readonly count: number;
  batch(from: number, to: number): Tensor;
}

/** Whether an image input has its channels last: rank 4, and the last axis looks like channels where axis 1 does not. */
function channelsLast(shape: readonly (number | string)[]): boolean {
  const looks = (dim: number | string | undefined) => typeof dim === "number" && dim <= 4;
  return shape.length === 4 && looks(shape[3]) && !looks(shape[1]);
}

/** The first `most` samples of a folder for a model with one float32 input. Throws EspalierError "usage" for other models. */
export async function loadSamples(graph: Graph, folder: string, most: number): Promise<Samples> {
  const [first] = graph.inputs;
  const input = first === undefined ? null : valueById(graph, first);
  const sizes = (input?.type.shape.slice(1) ?? []).filter((dim) => typeof dim === "number");
  if (
    input === null ||
    graph.inputs.length !== 1 ||
    input.type.dtype !== "float32" ||
    sizes.length + 1 !== input.type.shape.length
  ) {
    throw new EspalierError("usage", "--data feeds models with one float32 input of known sizes", {
      hint: "Give neither --data nor --quantize int8 for this model.",
    });
  }
  const last = channelsLast(input.type.shape);
  const sampleShape = last ? [sizes[2]!, sizes[0]!, sizes[1]!] : sizes;
  const data: Dataset = await loadDataset(folder, { split: "train", sampleShape });
  return {
    count: Math.min(most, data.length),
    batch: (from, to) => {
      const batch = data.batch(Int32Array.from({ length: to - from }, (_, i) => from + i));
      return last ? permute(batch, [0, 2, 3, 1]) : batch;
    },
  };
}

function* oneByOne(samples: Samples): Generator<Tensor> {
  for (let i = 0; i < samples.count; i++) yield samples.batch(i, i + 1);
}

/** The graph in the form that is asked for. A graph that is quantised already keeps its own scales, and is refused another form. */
export async function quantiseModel(
  graph: Graph,
  kind: QuantizeKind,
  context: { readonly arithmetic: Arithmetic; readonly to: "onnx" | "tflite"; readonly samples: Samples | null },
): Promise<Graph> {
  const { arithmetic, to, samples } = context;
  if (arithmetic === "integer" || arithmetic === "dynamic") {
    if (kind === "none") return graph;
    throw new EspalierError("usage", `The model is quantised already, --quantize ${kind} needs a float model`, {
      hint: "Leave --quantize out: the model keeps its own scales. Or give the float model.",
    });
  }
  const folded = runPasses(graph, deployPipeline);
  switch (kind) {
    case "none":
      return folded;
    case "fp16":
      // TFLite has no float16 arithmetic on CPUs: weights are stored in half and widened, as its own converter does.
      return to === "onnx" ? runPasses(folded, [convertFloat16]) : compressWeights(folded, { dtype: "float16" });
    case "dynamic":
      return compressWeights(folded, { dtype: "int8" });
    case "int8":
      return toInt8(folded, samples);
    default:
      kind satisfies never;
      throw new EspalierError("internal", "internal: no such form");
  }
}

async function toInt8(folded: Graph, samples: Samples | null): Promise<Graph> {
  if (samples === null) {
    throw new EspalierError("usage", "--quantize int8 needs samples: the ranges of activations are measured on them", {
      hint: "Give --data with IDX files or class folders, or use --quantize dynamic, which needs none.",
    });
  }
  const seen = await observe(folded, oneByOne(samples), { open: openOrt, scheme: MOBILE_SCHEME });
  return quantizeGraph(folded, rangesFrom(seen, { method: "mse" }), MOBILE_SCHEME, {
    channelMeans: channelMeansFrom(seen),
  });
}
