import { EspalierError } from "../diagnostics/index.ts";
import { sizeOf, type Tensor, tensor } from "../tensor/index.ts";
import { type Normalisation, normaliser, type Samples } from "./normalise.ts";

/** Labelled samples of one shape, addressed by index; `batch` is pure, so any order and any repetition is allowed. */
export interface Dataset {
  readonly name: string;
  /** Shape of one sample: channels, height, width. */
  readonly sampleShape: readonly number[];
  /** Class names; label `i` means `classes[i]`. */
  readonly classes: readonly string[];
  readonly length: number;
  /** One class index per sample, each in [0, classes.length). */
  readonly labels: Int32Array;
  /** The normalisation that `batch` applies: an application must do the same to its input. */
  readonly normalisation: Normalisation;
  /** What a reader of a report should know about where the samples come from. */
  readonly note?: string;
  /** Normalised samples, [n, ...sampleShape]. Throws EspalierError when an index is out of range. */
  batch(indices: ArrayLike<number>): Tensor<"float32">;
}

/** What `datasetOf` makes a data set of: samples that are in memory already. */
export interface DatasetParts {
  readonly name: string;
  readonly sampleShape: readonly number[];
  readonly classes: readonly string[];
  readonly labels: Int32Array;
  /** All samples after each other, each channels first. */
  readonly samples: Samples;
  readonly normalisation: Normalisation;
  readonly note?: string;
}

/**
 * A data set over samples held in memory in their stored type; they are normalised when a batch is made.
 * @throws EspalierError "input" when sizes disagree or a label has no class.
 */
export function datasetOf(parts: DatasetParts): Dataset {
  const { name, classes, labels, samples, normalisation } = parts;
  const sampleShape = Object.freeze([...parts.sampleShape]);
  const size = sizeOf(sampleShape);
  if (samples.length !== labels.length * size) {
    throw new EspalierError(
      "input",
      `${labels.length} labels for ${samples.length / size} samples of shape [${sampleShape.join(", ")}]`,
      { where: name, hint: "Images and labels must come from the same split." },
    );
  }
  checkLabels(name, labels, classes.length);
  const normalise = normaliser(samples, sampleShape, normalisation);
  return {
    name,
    sampleShape,
    classes,
    length: labels.length,
    labels,
    normalisation,
    ...(parts.note === undefined ? {} : { note: parts.note }),
    batch: (indices) => {
      const out = new Float32Array(indices.length * size);
      for (let i = 0; i < indices.length; i++) {
        const index = indices[i]!;
        checkIndex(name, index, labels.length);
        normalise(index * size, out, i * size);
      }
      return tensor("float32", [indices.length, ...sampleShape], out);
    },
  };
}

/** The samples at the given indices, in that order, sharing the original's memory. Throws when an index is out of range. */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const chosen = Int32Array.from(indices);
  const labels = new Int32Array(chosen.length);
  for (let i = 0; i < chosen.length; i++) {
    checkIndex(dataset.name, indices[i]!, dataset.length);
    labels[i] = dataset.labels[chosen[i]!]!;
  }
  return {
    ...dataset,
    length: chosen.length,
    labels,
    batch: (positions) => {
      const mapped = new Int32Array(positions.length);
      for (let i = 0; i < mapped.length; i++) {
        checkIndex(dataset.name, positions[i]!, chosen.length);
        mapped[i] = chosen[positions[i]!]!;
      }
      return dataset.batch(mapped);
    },
  };
}

function checkIndex(name: string, index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length) {
    throw new EspalierError("usage", `Sample ${index} of a data set of ${length} samples`, {
      where: name,
      hint: `Indices run from 0 to ${length - 1}.`,
    });
  }
}

function checkLabels(name: string, labels: Int32Array, classes: number): void {
  for (let i = 0; i < labels.length; i++) {
    if (labels[i]! < 0 || labels[i]! >= classes) {
      throw new EspalierError("input", `Sample ${i} has label ${labels[i]}, but there are ${classes} classes`, {
        where: name,
        hint: 'Name every class in "classes" of dataset.json, or correct the labels.',
      });
    }
  }
}
