import { EspalierError } from "../diagnostics/index.ts";
import { shapeText } from "../ir/index.ts";
import { float32, sizeOf, type Tensor } from "../tensor/index.ts";
import { smoothedTargets } from "./losses.ts";
import type { Term } from "./objective.ts";

/** What training needs of a data set. */
export interface TrainingData {
  readonly name: string;
  readonly sampleShape: readonly number[];
  readonly length: number;
  readonly labels: Int32Array;
  batch(indices: ArrayLike<number>): Tensor<"float32">;
  /** Targets of some outputs by name, of the output's shape (probability rows [n, classes] for cross-entropy); labels serve the other outputs. */
  targets?(indices: ArrayLike<number>): Readonly<Record<string, Tensor<"float32">>>;
}

/** What a term is compared with for some samples: the data's own tensor, or what the labels make. `shape` is the target's. */
export function targetOf(
  term: Term,
  shape: readonly number[],
  data: TrainingData,
  indices: ArrayLike<number>,
  own: Readonly<Record<string, Tensor<"float32">>>,
  smoothing: number,
): Tensor<"float32"> {
  const given = own[term.output];
  if (given === undefined) return fromLabels(term, shape, data, indices, smoothing);
  if (given.dtype !== "float32" || shapeText(given.shape) !== shapeText(shape))
    throw new EspalierError(
      "input",
      `The targets of output "${term.output}" must be float32${shapeText(shape)}, they are ${given.dtype}${shapeText(given.shape)}`,
      { where: data.name },
    );
  if (smoothing === 0 || term.classes === null) return given;
  const share = smoothing / term.classes;
  return float32(
    shape,
    given.data.map((value) => value * (1 - smoothing) + share),
  );
}

/** One probability row a sample; for an output of one number the label itself. */
function fromLabels(
  term: Term,
  shape: readonly number[],
  data: TrainingData,
  indices: ArrayLike<number>,
  smoothing: number,
): Tensor<"float32"> {
  const width = sizeOf(shape.slice(1));
  const { kind } = term.loss;
  const labels = Int32Array.from(indices, (index) => data.labels[index]!);
  const most = width === 1 && kind === "binary-cross-entropy" ? 1 : width - 1;
  if (width > 1 || kind === "binary-cross-entropy") {
    const wrong = labels.find((label) => label > most || label < 0);
    if (wrong !== undefined)
      throw new EspalierError(
        "input",
        `Output "${term.output}" has ${width} value${width === 1 ? "" : "s"} a sample, the data set has label ${wrong}`,
        { where: data.name, hint: `Give labels from 0 to ${most}, or targets of the output's shape.` },
      );
  }
  if (width === 1 && kind !== "cross-entropy") return float32(shape, Float32Array.from(labels));
  const smooth = kind === "cross-entropy" ? smoothing : 0;
  return float32(shape, smoothedTargets(labels, width, smooth).data);
}
