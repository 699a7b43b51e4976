import { EspalierError, withContext } from "../../src/diagnostics/index.ts";
import { readOnnx, writeOnnx } from "../../src/formats/onnx/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import {
  checkMask,
  type MaskedWeights,
  type MaskPattern,
  maskSamples,
  maskWeights,
  patternText,
} from "../../src/prune/index.ts";
import { runOnce } from "../../src/runtimes/index.ts";
import { evaluate, frozenByPatterns } from "../../src/train/index.ts";
import { checkDestination, type Destination } from "../convert/destination.ts";
import { compareOutput } from "../model-check/compare-outputs.ts";
import type { Progress } from "../progress.ts";
import { type ProofInputs, proofInputs } from "../prune-model/proof-inputs.ts";
import { type StartingModel, startingModel } from "../prune-model/starting-model.ts";
import { writeVerified } from "../prune-model/write-verified.ts";
import { patternOf, type SparsifyRequest } from "./request.ts";
import type { Sparsified } from "./result.ts";
import { zeroRows, zeroUses } from "./zero-uses.ts";

/** Samples that criteria look at, if nothing else is said: as many as Wanda and SparseGPT are usually given. */
const LOOKED_AT = 128;

async function destinationOf(request: SparsifyRequest, name: string): Promise<Destination> {
  const { model, out = `${name}.sparse.onnx`, force = false } = request;
  const destination = await checkDestination({ from: model, to: out, force });
  if (destination.format !== "onnx")
    throw new EspalierError("usage", "Sparse models are written as ONNX", {
      where: out,
      hint: "End the name with .onnx; `espalier convert` makes TFLite of it, and the zeros stay.",
    });
  return destination;
}

/**
 * Sets weights of a model to zero in a pattern, reads the zeros back from the bytes, and writes them as ONNX after a run in ONNX Runtime.
 * @throws EspalierError "budget" when no layer can hold the pattern or the share leaves nothing of one; "usage", "input", "unsupported" for what does not fit.
 */
export async function sparsifyModel(request: SparsifyRequest, progress: Progress): Promise<Sparsified> {
  const pattern = patternOf(request);
  const { criterion = "magnitude", samples: lookedAt = LOOKED_AT } = request;
  const { model, data, inputShapes, inputValues } = request;
  if (criterion !== "magnitude" && data === undefined)
    throw new EspalierError(
      "usage",
      `--criterion ${criterion} looks at the inputs of layers, and there are no samples`,
      {
        hint: "Give labelled samples with --data DIR.",
      },
    );
  const start = await startingModel({
    model,
    ...(data === undefined ? {} : { data }),
    ...(inputShapes === undefined ? {} : { inputShapes }),
    ...(inputValues === undefined ? {} : { inputValues }),
  });
  const destination = await destinationOf(request, start.file.name);
  try {
    progress.stage("sparsify", `${patternText(pattern)}, by ${criterion}`);
    const masked = await mask(start, pattern, request, progress);
    checkBytes(masked, pattern);
    return await written(start, masked, { request, pattern, lookedAt, destination });
  } catch (error) {
    throw withContext(error, model);
  }
}

function mask(
  { graph, samples }: StartingModel,
  pattern: MaskPattern,
  request: SparsifyRequest,
  progress: Progress,
): Promise<MaskedWeights> {
  const { criterion = "magnitude", samples: count = LOOKED_AT, exclude = [] } = request;
  const dense = exclude.length === 0 ? new Set<string>() : frozenByPatterns(graph, exclude);
  return maskWeights(graph, pattern, {
    criterion,
    ...(samples === null ? {} : { samples: maskSamples(graph, samples.train, count) }),
    exclude: ({ name }) => (dense.has(name) ? "it was left out" : null),
    onLayer: (done, layers) => progress.step(done, layers),
  });
}

/** The zeros as the file will hold them: what is counted is read from the bytes. */
function checkBytes({ graph, layers }: MaskedWeights, pattern: MaskPattern): void {
  const nodes = new Set(layers.filter(({ eligible }) => eligible).map(({ node }) => node));
  const found = checkMask(readOnnx(writeOnnx(graph)), pattern, nodes);
  const zeros = new Map(found.layers.map((layer) => [layer.node, layer.zeros]));
  const wrong = layers.find((layer) => layer.eligible && zeros.get(layer.node) !== layer.zeros);
  if (found.violations > 0 || wrong !== undefined)
    throw new EspalierError(
      "internal",
      `internal: the file's bytes break ${patternText(pattern)} in ${found.violations} places${wrong === undefined ? "" : `, first at "${wrong.node}"`}`,
    );
}

interface Asked {
  readonly request: SparsifyRequest;
  readonly pattern: MaskPattern;
  readonly lookedAt: number;
  readonly destination: Destination;
}

async function written(
  { file, graph, samples }: StartingModel,
  masked: MaskedWeights,
  { request, pattern, lookedAt, destination }: Asked,
): Promise<Sparsified> {
  const { criterion = "magnitude", model } = request;
  const inputs = await proofInputs(graph, samples);
  const differences = await differencesOf(graph, masked.graph, inputs);
  const accuracy =
    samples === null
      ? null
      : {
          before: (await evaluate(graph, samples.test)).accuracy,
          after: (await evaluate(masked.graph, samples.test)).accuracy,
        };
  const layers = await zeroRows(masked.graph, masked.layers);
  const uses = await zeroUses(masked.graph);
  const out = await writeVerified(masked.graph, file.name, destination, inputs);
  if (!out.verified)
    throw new EspalierError("runtime", `${out.file} computes something else than the graph: it was not written`);
  const own = layers.filter(({ eligible }) => eligible);
  const sum = (rows: typeof layers, of: "weights" | "zeros") => rows.reduce((total, row) => total + row[of], 0);
  return {
    schema: 1,
    model,
    sha256: file.sha256,
    out: { file: out.file, sha256: out.sha256, bytes: out.bytes, engine: out.engine },
    pattern: patternText(pattern),
    asked: pattern,
    criterion,
    data:
      samples === null
        ? null
        : {
            name: samples.name,
            lookedAt: criterion === "magnitude" ? 0 : Math.min(lookedAt, samples.train.length),
            test: samples.test.length,
          },
    layers,
    weights: sum(layers, "weights"),
    zeros: sum(layers, "zeros"),
    masked: { layers: own.length, weights: sum(own, "weights"), zeros: sum(own, "zeros") },
    differences,
    compared: { inputs: samples === null ? "random" : "data", samples: inputs.count },
    accuracy,
    uses,
  };
}

async function differencesOf(graph: Graph, sparse: Graph, { feeds }: ProofInputs): Promise<Sparsified["differences"]> {
  const [before, after] = [await runOnce(graph, feeds), await runOnce(sparse, feeds)];
  return Object.keys(before).map((name) => {
    const { absolute, relative } = compareOutput({ name }, after[name]!, before[name]!, null);
    return { name, absolute, relative };
  });
}
