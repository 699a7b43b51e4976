import { EspalierError } from "../../diagnostics/index.ts";
import { type Graph, valueById } from "../../ir/index.ts";
import { allocate, sizeOf, tensor } from "../../tensor/index.ts";
import type { TrainingData } from "../../train/index.ts";
import { INPUT_MEMORY, inputBytes, type MatrixLayer } from "./input-passes.ts";
import { type Feeds, sizedGraph } from "./layer-inputs.ts";
import { maskLayers } from "./mask-layers.ts";

/** Samples a run where the model takes any number and memory allows it. */
const BATCH = 16;

/**
 * The first samples of a data set as `maskWeights` takes them; default 128, as Wanda and SparseGPT are usually given. Batches are those that the graph fixes, else
 * 16, fewer where the inputs of a layer are large. Labels are not looked at. Throws EspalierError "usage" for a graph of several inputs.
 */
export function maskSamples(graph: Graph, data: TrainingData, count = 128): () => Iterable<Feeds> {
  if (graph.inputs.length !== 1)
    throw new EspalierError("usage", `A data set feeds one input, the graph has ${graph.inputs.length}`, {
      hint: "Give tensors by input name instead.",
    });
  const { name, type } = valueById(graph, graph.inputs[0]!);
  const fixed = type.shape[0];
  const most = Math.min(count, data.length);
  return function* () {
    const batch = typeof fixed === "number" ? fixed : Math.min(most, fittingBatch(graph, data.sampleShape));
    for (let at = 0; at < most; at += batch) {
      const end = typeof fixed === "number" ? at + batch : Math.min(most, at + batch);
      if (end > data.length) return;
      yield { [name]: data.batch(Int32Array.from({ length: end - at }, (_, i) => at + i)) };
    }
  };
}

/** The samples of which the unfolded inputs of the largest layer take half of the memory, at most 16. */
function fittingBatch(graph: Graph, sampleShape: readonly number[]): number {
  const { name, type } = valueById(graph, graph.inputs[0]!);
  const shape = [1, ...sampleShape];
  const one = tensor(type.dtype, shape, allocate(type.dtype, sizeOf(shape)));
  const sized = sizedGraph(graph, { [name]: one });
  const layers = maskLayers(sized).filter((layer): layer is MatrixLayer => layer.matrix !== null);
  const each = Math.max(1, ...layers.map((layer) => inputBytes(sized, layer, "squares").running));
  return Math.max(1, Math.min(BATCH, Math.floor(INPUT_MEMORY / 2 / each)));
}
