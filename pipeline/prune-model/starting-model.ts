import { type Dataset, holdOut, loadDataset } from "../../src/data/index.ts";
import { withContext } from "../../src/diagnostics/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { checkFit, headOf } from "../../src/train/index.ts";
import { sameInterface } from "../canonical-graph.ts";
import { checkDeployable } from "../deployable.ts";
import { graphOf, type ModelBytes, readModelBytes } from "../model-file.ts";
import { deployableGraph } from "../stages/import.ts";
import type { PruneRequest } from "./request.ts";

/** Labelled samples in the shape that the model takes. */
export interface Samples {
  readonly name: string;
  /** The training split but for what is held out. */
  readonly train: Dataset;
  readonly heldOut: Dataset;
  readonly test: Dataset;
}

/** What is pruned: with samples a classifier with its images channels first, without them any graph with the interface of its file. */
export interface StartingModel {
  readonly file: ModelBytes;
  readonly graph: Graph;
  readonly samples: Samples | null;
}

/** Reads the model of a request and, where given, its samples. Throws EspalierError when they do not fit. */
export async function startingModel(request: PruneRequest): Promise<StartingModel> {
  const file = await readModelBytes(request.model);
  const raw = graphOf(file, request);
  if (request.data === undefined)
    return { file, graph: within(request.model, () => sameInterface(raw)), samples: null };
  const graph = within(request.model, () => deployableGraph(raw));
  const sampleShape = within(request.model, () => checkDeployable(graph));
  const training = await loadDataset(request.data, { split: "train", sampleShape });
  const test = await loadDataset(request.data, { split: "test", sampleShape });
  for (const split of [training, test]) checkFit(graph, headOf(graph), split);
  return { file, graph, samples: { name: training.name, ...holdOut(training), test } };
}

/** What `make` makes; its errors say that they are of the model. */
function within<T>(model: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw withContext(error, model);
  }
}
