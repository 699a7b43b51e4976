import { withContext } from "../../src/diagnostics/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { PASSES, runPasses } from "../../src/passes/index.ts";
import { canonicalGraph } from "../canonical-graph.ts";
import { checkDeployable } from "../deployable.ts";
import { readModel } from "../model-file.ts";

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

/** Brings a file's graph into the form that is trained and pruned: canonical, images channels first whatever the file has. */
export function deployableGraph(raw: Graph): Graph {
  return runPasses(
    canonicalGraph(raw),
    [PASSES.get("channels-first-inputs")].filter((pass) => pass !== undefined),
  );
}

/** Reads a model file (ONNX, TFLite or TensorFlow.js, by its content) and brings it into the form that is trained and pruned. */
export async function importModel(path: string): Promise<ImportedModel> {
  const model = await readModel(path);
  try {
    const graph = deployableGraph(model.graph);
    const { name, sha256, totalBytes: bytes } = model;
    return { graph, name, file: path, sha256, bytes, sampleShape: checkDeployable(graph) };
  } catch (error) {
    throw withContext(error, path);
  }
}
