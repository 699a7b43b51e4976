import { writeFileAtomic } from "../../src/io/index.ts";
import { valueById } from "../../src/ir/index.ts";
import { sameInterface } from "../canonical-graph.ts";
import { storedWeights } from "../inspect/stored-weights.ts";
import type { Artifact } from "../model-check/artifact.ts";
import { type ComparedOutput, compareRuns, type OriginalRuns } from "../model-check/compare-runs.ts";
import { arithmeticOf, type Bound, boundsOf } from "../model-check/exactness.ts";
import { stateOf } from "../model-check/state.ts";
import { graphOf, type InputSettings, type ModelBytes, readModelBytes } from "../model-file.ts";
import type { ModelFormat } from "../model-format.ts";
import { checkDestination, type Destination } from "./destination.ts";
import { loadSamples, type QuantizeKind, quantiseModel, type Samples } from "./quantise-model.ts";
import { releaseMemory } from "./release-memory.ts";
import { runOriginalOn } from "./run-original.ts";
import { artifactOf } from "./written-model.ts";

export interface ConvertRequest extends InputSettings {
  readonly from: string;
  readonly to: string;
  readonly quantize: QuantizeKind;
  readonly data?: string;
  /** Samples of `data` that are used. */
  readonly samples?: number;
  /** Replace the file `to`. */
  readonly force?: boolean;
}

/** What `espalier convert --json` prints: fields are only ever added while `schema` stays the same. */
export interface Conversion {
  readonly schema: 1;
  readonly from: {
    readonly file: string;
    readonly format: ModelFormat;
    readonly bytes: number;
    readonly engine: string;
  };
  readonly to: {
    readonly file: string;
    readonly format: Destination["format"];
    readonly bytes: number;
    readonly engine: string;
  };
  readonly quantize: QuantizeKind;
  /** What both were run on. */
  readonly compared: { readonly inputs: "random" | "data"; readonly runs: number };
  readonly outputs: readonly ComparedOutput[];
  /** Every output is within its bound; otherwise nothing was written. */
  readonly verified: boolean;
  /** Work that the file has and the model did not: transposes, pads, float kernels. */
  readonly notes: readonly string[];
}

const DEFAULT_SAMPLES = 256;
/** From this size on, in bytes, memory is worth the time that it takes to look for garbage. */
const LARGE = 8e6;

/** Reads, converts, runs both, compares, and writes when the outputs agree. Throws EspalierError when it cannot be done. */
export async function convertModel(request: ConvertRequest): Promise<Conversion> {
  const destination = await checkDestination(request);
  // What follows keeps no more than it needs: the original's bytes and the graph are let go of before the result is run.
  const made = await make(request, destination);
  if (made.bytes > LARGE) releaseMemory();
  const bound = new Set(Object.keys(request.inputValues ?? {}));
  const { engine, outputs } = await compareRuns(made.artifact, made.bounds, made.original, bound);
  const verified = outputs.every(({ within }) => within);
  if (verified) await writeFileAtomic(destination.path, made.artifact.bytes);
  return {
    schema: 1,
    from: { file: request.from, format: made.format, bytes: made.bytes, engine: made.original.engine },
    to: { file: request.to, format: destination.format, bytes: made.artifact.bytes.length, engine },
    quantize: request.quantize,
    compared: { inputs: made.fromData ? "data" : "random", runs: made.original.runs.length },
    outputs,
    verified,
    notes: made.notes,
  };
}

interface Made {
  readonly format: ModelFormat;
  readonly bytes: number;
  readonly original: OriginalRuns;
  readonly artifact: Artifact;
  readonly bounds: readonly Bound[];
  readonly notes: readonly string[];
  readonly fromData: boolean;
}

async function make(request: ConvertRequest, { format: to }: Destination): Promise<Made> {
  const model = await readModelBytes(request.from);
  const { original, samples } = await reference(model, request);
  const raw = graphOf(model, request);
  const stored = new Set(storedWeights(model).map(({ dtype }) => dtype));
  const arithmetic = arithmeticOf(raw, model.format, stored);
  const graph = await quantiseModel(sameInterface(raw), request.quantize, { arithmetic, to, samples });
  const hidden = new Set(stateOf(graph).map(({ output }) => output));
  const seen = graph.outputs.filter((id) => !hidden.has(valueById(graph, id).name));
  const result = request.quantize === "int8" ? "integer" : arithmetic;
  const bounds = boundsOf(graph, result, seen).map((bound) => loosened(bound, request.quantize));
  const { artifact, notes } = artifactOf(graph, to, model.name);
  return {
    format: model.format,
    bytes: model.totalBytes,
    original,
    artifact,
    bounds,
    notes,
    fromData: samples !== null,
  };
}

/**
 * The original's answers, before there is a graph beside its bytes: its runtime takes several times their size. Where it
 * refuses the model, the reader is asked first, which knows better what to do about it.
 */
async function reference(
  model: ModelBytes,
  request: ConvertRequest,
): Promise<{ readonly original: OriginalRuns; readonly samples: Samples | null }> {
  try {
    const most = request.samples ?? DEFAULT_SAMPLES;
    const samples = request.data === undefined ? null : await loadSamples(graphOf(model, request), request.data, most);
    return { original: await runOriginalOn(model, request, samples), samples };
  } catch (error) {
    graphOf(model, request);
    throw error;
  }
}

/**
 * float16 rounds to 11 bits. What 8 bits cost depends on the model, so new ones are reported and not judged. Of a model that
 * is quantised already, runtimes round ties differently, and one step in front of a softmax is many behind it: only what is
 * far off is no longer the same model.
 */
function loosened(bound: Bound, kind: QuantizeKind): Bound {
  if (bound.unit === "exact") return bound;
  if (kind === "none") return bound.unit === "steps" ? { ...bound, unit: "relative", limit: 0.2 } : bound;
  if (kind === "fp16") return { unit: "relative", limit: 1e-2, step: null };
  return { ...bound, limit: Number.POSITIVE_INFINITY };
}
