import { EspalierError, withContext } from "../../diagnostics/index.ts";
import { newFoldingBuilder } from "../../fold/index.ts";
import type { Graph } from "../../ir/index.ts";
import { readGraphModel } from "./graph/read.ts";
import { readLayersModel } from "./layers/read.ts";
import type { ReadTfjsOptions, ShapeRule } from "./options.ts";
import { finishGraph } from "./outputs.ts";
import { type ModelJson, parseModelJson } from "./schema.ts";
import { openWeights, type Weights } from "./weights.ts";

/**
 * Reads a TensorFlow.js model (GraphModel or LayersModel) into the IR. Inputs and outputs keep the names, order, types
 * and layout (channels last) of the file. An open batch stays symbolic where the model allows it and is 1 elsewhere.
 * Throws EspalierError, which names the place, for anything that is wrong or not supported.
 */
export function readTfjs(json: Uint8Array, options: ReadTfjsOptions): Graph {
  try {
    const model = parseModelJson(json);
    const weights = openWeights(model.weightsManifest ?? [], options.files);
    let fileBytes = json.length;
    for (const bytes of options.files.values()) fileBytes += bytes.length;
    const read = (batch: ShapeRule["batch"]) =>
      readWith(model, weights, { given: options.inputShapes ?? {}, batch }, fileBytes);
    try {
      return read("N");
    } catch (error) {
      if (!(error instanceof EspalierError)) throw error;
      // What mixes the batch into other sizes can be read for one sample; what fails even so has another cause.
      return read(1);
    }
  } catch (error) {
    throw withContext(error, options.name ?? "model.json");
  }
}

function readWith(model: ModelJson, weights: Weights, rule: ShapeRule, fileBytes: number): Graph {
  const builder = newFoldingBuilder("model", { fileBytes });
  const isGraph = Array.isArray(model.modelTopology.node);
  if (!isGraph && model.format === "graph-model")
    throw new EspalierError("input", "The topology of a graph-model must have a list of nodes", {
      where: "model.json.modelTopology.node",
    });
  const read = isGraph ? readGraphModel : readLayersModel;
  return finishGraph(builder, read(model, weights, rule, builder));
}
