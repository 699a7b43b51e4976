import { basename, join } from "node:path";
import { EspalierError, withContext } from "../diagnostics/index.ts";
import { type Dataset, datasetOf } from "./dataset.ts";
import { type IdxArray, readIdx } from "./idx.ts";
import type { LoadOptions, Split } from "./load-options.ts";
import { chooseNormalisation, type Samples } from "./normalise.ts";
import type { Sidecar } from "./sidecar.ts";

/** File names of MNIST and its relatives, without the optional ".gz". */
export const IDX_NAMES = {
  train: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const;

/** The entry of a folder that holds an IDX file, plain or gzip; null when neither is there. */
export function findIdx(entries: ReadonlySet<string>, split: Split, part: "images" | "labels"): string | null {
  const name = IDX_NAMES[split][part];
  return [name, `${name}.gz`].find((candidate) => entries.has(candidate)) ?? null;
}

/** Whether a folder holds IDX images of any split. */
export function isIdxFolder(entries: ReadonlySet<string>): boolean {
  return findIdx(entries, "train", "images") !== null || findIdx(entries, "test", "images") !== null;
}

/** One split of a folder of IDX files. Throws EspalierError "input" when a file is missing, damaged or of another shape. */
export async function loadIdxDataset(
  folder: string,
  entries: ReadonlySet<string>,
  sidecar: Sidecar | null,
  options: LoadOptions,
): Promise<Dataset> {
  const { split } = options;
  const imagesPath = requireIdx(folder, entries, split, "images");
  const labelsPath = requireIdx(folder, entries, split, "labels");
  const images = await readIdx(imagesPath);
  const labels = labelsOf(await readIdx(labelsPath), labelsPath);
  const count = images.dims[0]!;
  if (count === 0 || count !== labels.length) {
    throw new EspalierError(
      "input",
      `${count} images in ${basename(imagesPath)}, ${labels.length} labels in ${basename(labelsPath)}`,
      {
        where: folder,
        hint: "Both files must come from the same split.",
      },
    );
  }
  const { shape, samples } = arrange(images, sidecar?.layout ?? "channels-first", imagesPath);
  try {
    return datasetOf({
      name: sidecar?.name ?? basename(folder),
      sampleShape: reshaped(shape, options.sampleShape, imagesPath),
      classes: sidecar?.classes ?? (await numberedClasses(folder, entries, labels)),
      labels,
      samples,
      normalisation: chooseNormalisation(options.normalisation, sidecar),
    });
  } catch (error) {
    throw withContext(error, folder);
  }
}

function requireIdx(folder: string, entries: ReadonlySet<string>, split: Split, part: "images" | "labels"): string {
  const name = findIdx(entries, split, part);
  if (name !== null) return join(folder, name);
  throw new EspalierError("input", `The ${split} split has no ${part}: ${IDX_NAMES[split][part]} (or .gz) is missing`, {
    where: folder,
    hint: "An IDX folder holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte.",
  });
}

function labelsOf(array: IdxArray, path: string): Int32Array {
  if (array.dims.length !== 1) {
    throw new EspalierError("input", `Labels have one dimension, this file has [${array.dims.join(", ")}]`, {
      where: path,
    });
  }
  return Int32Array.from(array.data);
}

/** Samples as [C, H, W]: rank 3 files are grey images, rank 2 files are vectors, [C, 1, 1]. */
function arrange(images: IdxArray, layout: Sidecar["layout"], path: string): { shape: number[]; samples: Samples } {
  const [count, ...dims] = images.dims as [number, ...number[]];
  if (dims.length === 1) return { shape: [dims[0]!, 1, 1], samples: images.data };
  if (dims.length === 2) return { shape: [1, ...dims], samples: images.data };
  if (dims.length !== 3) {
    throw new EspalierError("input", `Images have 2 to 4 dimensions, this file has [${images.dims.join(", ")}]`, {
      where: path,
    });
  }
  if (layout === "channels-first") return { shape: dims, samples: images.data };
  const [height, width, channels] = dims as [number, number, number];
  return { shape: [channels, height, width], samples: channelsFirst(images.data, count, height * width, channels) };
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

/** The shape the model wants if it is the stored one in another form (leading 1s, flattened); IDX samples are not resized. */
function reshaped(stored: readonly number[], wanted: readonly number[] | undefined, path: string): readonly number[] {
  if (wanted === undefined) return stored;
  const essence = (shape: readonly number[]) => shape.filter((dim) => dim !== 1).join();
  const flat = essence(wanted) === String(stored.reduce((a, b) => a * b, 1));
  if (flat || essence(stored) === essence(wanted)) return wanted;
  throw new EspalierError(
    "input",
    `The model takes samples of [${wanted.join(", ")}], the data has [${stored.join(", ")}]`,
    {
      where: path,
      hint: "Give data of the model's shape; a folder of PNG or JPEG images is resized on the way in.",
    },
  );
}

/** "0", "1", ... up to the largest label of any split, so that both splits have the same classes. */
async function numberedClasses(folder: string, entries: ReadonlySet<string>, labels: Int32Array): Promise<string[]> {
  let largest = labels.reduce((a, b) => Math.max(a, b), 0);
  for (const split of ["train", "test"] as const) {
    const name = findIdx(entries, split, "labels");
    if (name === null) continue;
    const other = labelsOf(await readIdx(join(folder, name)), join(folder, name));
    largest = other.reduce((a, b) => Math.max(a, b), largest);
  }
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

/** ImageNet-21k has 21,841 classes; a label far above that is not a label. */
const MAX_NUMBERED_CLASSES = 65536;
