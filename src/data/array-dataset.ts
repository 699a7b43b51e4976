import { basename } from "node:path";
import { EspalierError, withContext } from "../diagnostics/index.ts";
import { type Dataset, datasetOf, subset } from "./dataset.ts";
import { HELD_OUT_FRACTION, type LoadOptions, type Split } from "./load-options.ts";
import { chooseNormalisation, type Samples } from "./normalise.ts";
import type { Sidecar } from "./sidecar.ts";
import { stratifiedSplit } from "./split.ts";

/** Samples of one shape and their labels, as a file has them. */
export interface LabelledArray {
  /** Sizes of all axes, samples first. */
  readonly dims: readonly number[];
  readonly data: Samples;
  readonly labels: Int32Array;
  /** The file, for messages. */
  readonly source: string;
}

/** What a folder of arrays has to say about one split. */
export interface ArrayParts {
  readonly folder: string;
  readonly part: LabelledArray;
  /** Labels of the other split, so that both have the same classes. */
  readonly otherLabels: Int32Array;
  /** The part is all there is: a fifth of each class becomes the test split. */
  readonly whole?: boolean;
  /** Names of the classes, when the files tell. */
  readonly classes?: readonly string[];
  /** Order of the axes of samples with 3 axes, when the format fixes it; default: what dataset.json says. */
  readonly layout?: Sidecar["layout"];
}

/** ImageNet-21k has 21,841 classes; a label far above that is not a label. */
const MAX_NUMBERED_CLASSES = 65536;

/** A data set over an array of samples: images as [C, H, W], vectors as [C, 1, 1], in the shape that the model takes when it is the same in another form. */
export function arrayDataset(parts: ArrayParts, sidecar: Sidecar | null, options: LoadOptions): Dataset {
  const { folder, part, otherLabels } = parts;
  if (part.dims[0] === 0 || part.dims[0] !== part.labels.length) {
    throw new EspalierError("input", `${part.dims[0]} samples, ${part.labels.length} labels`, {
      where: part.source,
      hint: "Both must come from the same split.",
    });
  }
  const { shape, samples } = arrange(part, parts.layout ?? sidecar?.layout ?? "channels-first");
  try {
    const all = datasetOf({
      name: sidecar?.name ?? basename(folder),
      sampleShape: reshaped(shape, options.sampleShape, part.source),
      classes: sidecar?.classes ?? parts.classes ?? numberedClasses([part.labels, otherLabels], folder),
      labels: part.labels,
      samples,
      normalisation: chooseNormalisation(options.normalisation, sidecar),
    });
    return parts.whole === true ? fifth(all, options.split) : all;
  } catch (error) {
    throw withContext(error, folder);
  }
}

/** The share of a data set that has no test split of its own: a fifth of each class, always the same. */
export function fifth(all: Dataset, split: Split): Dataset {
  const { train, validation } = stratifiedSplit(all.labels, { validation: HELD_OUT_FRACTION, seed: 0 });
  const chosen = (split === "train" ? train : validation).sort();
  const note = `No test split: ${chosen.length} of ${all.length} samples, chosen by a fixed seed, are the ${split} split`;
  return { ...subset(all, chosen), note };
}

/** Samples as [C, H, W]: rank 3 arrays are grey images, rank 2 arrays are vectors, [C, 1, 1]. */
function arrange(part: LabelledArray, layout: Sidecar["layout"]): { shape: number[]; samples: Samples } {
  const [count, ...dims] = part.dims as [number, ...number[]];
  if (dims.length === 1) return { shape: [dims[0]!, 1, 1], samples: part.data };
  if (dims.length === 2) return { shape: [1, ...dims], samples: part.data };
  if (dims.length !== 3) {
    throw new EspalierError("input", `Samples have 1 to 3 axes, this file has [${part.dims.join(", ")}] in all`, {
      where: part.source,
    });
  }
  if (layout === "channels-first") return { shape: dims, samples: part.data };
  const [height, width, channels] = dims as [number, number, number];
  return { shape: [channels, height, width], samples: channelsFirst(part.data, count, height * width, channels) };
}

/** [n, H, W, C] to [n, C, H, W]. */
function channelsFirst<T extends Samples>(source: T, count: number, area: number, channels: number): T {
  const out = source.slice() as T;
  for (let n = 0; n < count; n++) {
    const base = n * area * channels;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < area; i++) out[base + c * area + i] = source[base + i * channels + c]!;
    }
  }
  return out;
}

/** The shape the model wants if it is the stored one in another form (leading 1s, flattened); arrays are not resized. */
export function reshaped(
  stored: readonly number[],
  wanted: readonly number[] | undefined,
  where: string,
): readonly number[] {
  if (wanted === undefined) return stored;
  const essence = (shape: readonly number[]) => shape.filter((dim) => dim !== 1).join();
  const flat = essence(wanted) === String(stored.reduce((a, b) => a * b, 1));
  if (flat || essence(stored) === essence(wanted)) return wanted;
  throw new EspalierError(
    "input",
    `The model takes samples of [${wanted.join(", ")}], the data has [${stored.join(", ")}]`,
    {
      where,
      hint: "Give data of the model's shape; a folder of PNG or JPEG images is resized on the way in.",
    },
  );
}

/** "0", "1", ... up to the largest label of any split, so that both splits have the same classes. */
function numberedClasses(labels: readonly Int32Array[], folder: string): string[] {
  let largest = 0;
  for (const list of labels) for (const label of list) largest = Math.max(largest, label);
  if (largest >= MAX_NUMBERED_CLASSES) {
    throw new EspalierError(
      "input",
      `The largest label is ${largest}, at most ${MAX_NUMBERED_CLASSES - 1} without names`,
      {
        where: folder,
        hint: 'Name the classes in "classes" of dataset.json.',
      },
    );
  }
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
}
