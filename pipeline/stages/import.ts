import { basename, extname } from "node:path";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { readOnnx } from "../../src/formats/onnx/index.ts";
import { readModelFile, sha256 } from "../../src/io/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { valueById } from "../../src/ir/index.ts";
import { validateGraph } from "../../src/ops/index.ts";
import { importPipeline, runPasses } from "../../src/passes/index.ts";

/** A model as it came, ready for training and pruning. */
export interface ImportedModel {
  readonly graph: Graph;
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Shape of one sample, without the batch. */
  readonly sampleShape: readonly number[];
}

/** Reads a model file by its ending and brings it into canonical form. */
export async function importModel(path: string): Promise<ImportedModel> {
  const ending = extname(path).toLowerCase();
  if (ending !== ".onnx") {
    throw new EspalierError(
      "unsupported",
      `Espalier ${ending === "" ? "needs a file ending" : `does not read "${ending}" files yet`}`,
      { where: path, hint: "Give an ONNX file (.onnx)." },
    );
  }
  const bytes = await readModelFile(path);
  const graph = runPasses(readOnnx(bytes, { name: path }), importPipeline);
  validateGraph(graph);
  return {
    graph,
    name: basename(path, ending),
    file: path,
    sha256: sha256(bytes),
    bytes: bytes.length,
    sampleShape: sampleShapeOf(graph, path),
  };
}

/** A model that is deployed takes one batch of samples. */
function sampleShapeOf(graph: Graph, path: string): number[] {
  const [first] = graph.inputs;
  if (first === undefined || graph.inputs.length !== 1) {
    throw new EspalierError("unsupported", `The model has ${graph.inputs.length} inputs, deploying needs exactly one`, {
      where: path,
    });
  }
  const { type, name } = valueById(graph, first);
  const shape = type.shape.slice(1);
  if (type.dtype !== "float32" || shape.some((dim) => typeof dim !== "number")) {
    throw new EspalierError(
      "unsupported",
      `Input "${name}" is ${type.dtype}[${type.shape.join(", ")}], deploying needs float32 with fixed sizes after the batch`,
      { where: path },
    );
  }
  return shape as number[];
}
