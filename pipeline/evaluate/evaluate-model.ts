import { type Dataset, loadDataset, subset } from "../../src/data/index.ts";
import { withContext } from "../../src/diagnostics/index.ts";
import { openOriginal } from "../model-check/open-original.ts";
import { readModelBytes } from "../model-file.ts";
import type { ModelFormat } from "../model-format.ts";
import { type ClassFigures, classFigures, confusionMatrix, scoresLoss } from "./class-figures.ts";
import { layoutOf, modelScores } from "./model-scores.ts";

export interface EvaluateRequest {
  readonly model: string;
  readonly data: string;
  /** The first samples of the test split that are judged; default all. */
  readonly samples?: number;
}

/** What `espalier evaluate --json` prints: fields are only ever added while `schema` stays the same. */
export interface ModelEvaluation {
  readonly schema: 1;
  readonly file: string;
  readonly format: ModelFormat;
  readonly sha256: string;
  /** The runtime that ran it, with its version. */
  readonly engine: string;
  readonly data: { readonly name: string; readonly samples: number; readonly note: string | null };
  readonly accuracy: number;
  /** Mean cross-entropy with the labels; null for scores that are stored as integers. */
  readonly loss: number | null;
  readonly classes: readonly ClassFigures[];
  /** Counts by true class (row) and predicted class (column). */
  readonly confusion: readonly (readonly number[])[];
}

/** Runs a model over the test split of a data set, in the runtime that it was made for. Throws EspalierError when they do not fit. */
export async function evaluateModel(
  request: EvaluateRequest,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ModelEvaluation> {
  const model = await readModelBytes(request.model);
  const runner = await openOriginal(model);
  try {
    const layout = layoutOf(runner, model.format);
    const all = await loadDataset(request.data, { split: "test", sampleShape: layout.sampleShape });
    const data = first(all, request.samples);
    const { scores, quantised } = await modelScores(runner, layout, data, onProgress);
    const classes = scores.shape[1]!;
    const confusion = confusionMatrix(scores.data, data.labels, classes);
    const hits = confusion.reduce((sum, row, k) => sum + row[k]!, 0);
    return {
      schema: 1,
      file: request.model,
      format: model.format,
      sha256: model.sha256,
      engine: runner.engine,
      data: { name: data.name, samples: data.length, note: data.note ?? null },
      accuracy: hits / data.length,
      loss: quantised ? null : scoresLoss(scores.data, data.labels, classes),
      classes: classFigures(confusion, data.classes),
      confusion,
    };
  } catch (error) {
    throw withContext(error, request.model);
  } finally {
    await runner.close();
  }
}

function first(data: Dataset, count: number | undefined): Dataset {
  if (count === undefined || count >= data.length) return data;
  return subset(
    data,
    Int32Array.from({ length: count }, (_, i) => i),
  );
}
