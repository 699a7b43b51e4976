import { ARCHITECTURES, type ArchitectureName, type ImageShape } from "../../src/architectures/index.ts";
import { type Dataset, loadDataset } from "../../src/data/index.ts";
import { EspalierError, suggestion } from "../../src/diagnostics/index.ts";
import { systemError } from "../../src/io/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { initialised } from "../../src/train/index.ts";
import { importModel } from "../stages/import.ts";

/** A graph to train, with the name that its files get. */
export interface StartingGraph {
  readonly graph: Graph;
  readonly name: string;
  readonly sampleShape: readonly number[];
  /** The file it came from; null for an architecture. */
  readonly file: { readonly path: string; readonly sha256: string } | null;
}

/** Both splits of a data set. */
export interface Splits {
  readonly training: Dataset;
  readonly test: Dataset;
}

function isArchitecture(name: string): name is ArchitectureName {
  return Object.hasOwn(ARCHITECTURES, name);
}

/** Loads both splits in the shape that a model takes, or in their own. */
async function loadSplits(folder: string, sampleShape?: readonly number[]): Promise<Splits> {
  const shape = sampleShape === undefined ? {} : { sampleShape };
  const training = await loadDataset(folder, { split: "train", ...shape });
  return { training, test: await loadDataset(folder, { split: "test", sampleShape: training.sampleShape }) };
}

/** A model file, as it is. */
export async function fromFile(path: string): Promise<StartingGraph> {
  const { graph, name, sha256, sampleShape } = await importModel(path);
  return { graph, name, sampleShape, file: { path, sha256 } };
}

/** A model file as it is, with the data in its shape. */
export async function fromModel(model: string, folder: string): Promise<StartingGraph & Splits> {
  const start = await fromFile(model);
  return { ...start, ...(await loadSplits(folder, start.sampleShape)) };
}

/** An architecture of that name for the samples and classes of the data, else the model file with new weights. */
export async function fromScratch(model: string, folder: string, seed: number): Promise<StartingGraph & Splits> {
  if (!isArchitecture(model)) {
    const start = await fromFile(model).catch((error: unknown) => {
      throw withArchitectures(error, model);
    });
    return { ...start, graph: initialised(start.graph, seed), ...(await loadSplits(folder, start.sampleShape)) };
  }
  const splits = await loadSplits(folder);
  const { sampleShape, classes } = splits.training;
  if (sampleShape.length !== 3)
    throw new EspalierError(
      "input",
      `The architecture "${model}" takes images [C, H, W], the data set has [${sampleShape.join(", ")}]`,
      {
        where: folder,
        hint: "Give a model file that takes such samples instead.",
      },
    );
  const graph = ARCHITECTURES[model](seed, sampleShape as unknown as ImageShape, classes.length);
  return { graph, name: model, sampleShape, file: null, ...splits };
}

/** A missing file may be a misspelt architecture. */
function withArchitectures(error: unknown, model: string): unknown {
  const missing = error instanceof EspalierError && error.code === "input" && /does not exist/.test(error.message);
  if (!missing) return error;
  const names = Object.keys(ARCHITECTURES);
  const hint = `It is no architecture either. ${suggestion(model, names)}`;
  return error instanceof EspalierError && error.cause !== undefined
    ? systemError(error.cause, model, "model file", hint)
    : new EspalierError("input", `No model file and no architecture is called "${model}"`, { hint });
}
