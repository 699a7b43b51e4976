import { join } from "node:path";
import { EspalierError } from "../diagnostics/index.ts";
import { readInputFile } from "../io/read.ts";
import { arrayDataset } from "./array-dataset.ts";
import type { Dataset } from "./dataset.ts";
import type { LoadOptions, Split } from "./load-options.ts";
import { type NpyArray, parseNpy } from "./npy.ts";
import { unpackNpz } from "./npz.ts";
import type { Sidecar } from "./sidecar.ts";

/** Names of the arrays of each split, in the order of preference; Keras' own archives have x_train and its kin. */
const NAMES = {
  train: { samples: ["x_train", "train_x", "X_train"], labels: ["y_train", "train_y"] },
  test: { samples: ["x_test", "test_x", "X_test"], labels: ["y_test", "test_y"] },
  all: { samples: ["x", "X", "samples", "images", "data"], labels: ["y", "labels", "targets"] },
} as const;

type Part = keyof typeof NAMES;
type Entries = ReadonlyMap<string, Uint8Array>;

/** Whether a folder holds NumPy arrays. */
export function isNumpyFolder(files: ReadonlySet<string>): boolean {
  return [...files].some((name) => name.endsWith(".npz") || name.endsWith(".npy"));
}

const MAX_FILE_BYTES = 0x7fffffff;

/** All arrays of the folder by name: each .npy file, and the entries of each .npz (as NAME and as ARCHIVE_NAME: train.npz with x and y). */
async function entriesOf(folder: string, files: ReadonlySet<string>): Promise<Entries> {
  const entries = new Map<string, Uint8Array>();
  for (const name of [...files].sort()) {
    const path = join(folder, name);
    const stem = name.slice(0, -".npy".length);
    if (name.endsWith(".npy")) entries.set(stem, await readInputFile(path, { maxBytes: MAX_FILE_BYTES }));
    if (!name.endsWith(".npz")) continue;
    const archive = unpackNpz(await readInputFile(path, { maxBytes: MAX_FILE_BYTES }), path);
    const isSplit = stem === "train" || stem === "test";
    for (const [entry, bytes] of archive) entries.set(isSplit ? `${entry}_${stem}` : entry, bytes);
  }
  return entries;
}

function find(entries: Entries, names: readonly string[], folder: string): { array: NpyArray; source: string } | null {
  for (const name of names) {
    const bytes = entries.get(name);
    if (bytes !== undefined) return { array: parseNpy(bytes, join(folder, name)), source: join(folder, name) };
  }
  return null;
}

function labelsOf({ array, source }: { array: NpyArray; source: string }): Int32Array {
  const count = array.dims[0] ?? 0;
  // Keras stores labels as a column.
  if (array.dims.slice(1).some((dim) => dim !== 1) || array.data instanceof Float32Array) {
    throw new EspalierError("input", `Labels are one whole number a sample, this array is [${array.dims.join(", ")}]`, {
      where: source,
      hint: "Save class indices, not one-hot rows: y.argmax(axis=1).",
    });
  }
  return Int32Array.from(array.data.subarray(0, count));
}

/** One split of NumPy arrays: x_train, y_train, x_test and y_test, or x and y, as .npy files or in .npz archives. */
export async function loadNumpyDataset(
  folder: string,
  files: ReadonlySet<string>,
  sidecar: Sidecar | null,
  options: LoadOptions,
): Promise<Dataset> {
  const entries = await entriesOf(folder, files);
  const split = (["train", "test"] as const).some((name) => NAMES[name].samples.some((key) => entries.has(key)));
  const wanted: Part = split ? options.split : "all";
  const samples = find(entries, NAMES[wanted].samples, folder);
  const labels = find(entries, NAMES[wanted].labels, folder);
  if (samples === null || labels === null) {
    throw new EspalierError("input", missing(wanted, samples === null, entries), {
      where: folder,
      hint: "Name the arrays x_train, y_train, x_test and y_test, or x and y without a test split.",
    });
  }
  const other: Split = options.split === "train" ? "test" : "train";
  const otherLabels = split ? find(entries, NAMES[other].labels, folder) : null;
  const part = { ...samples.array, labels: labelsOf(labels), source: samples.source };
  const rest = otherLabels === null ? new Int32Array(0) : labelsOf(otherLabels);
  const layout = layoutOf(part.dims, options.sampleShape);
  return arrayDataset(
    { folder, part, otherLabels: rest, whole: !split, ...(layout === null ? {} : { layout }) },
    sidecar,
    options,
  );
}

function missing(part: Part, samples: boolean, entries: Entries): string {
  const found = [...entries.keys()].sort().join(", ");
  const what = part === "all" ? "data set" : `${part} split`;
  return `The ${what} has no ${samples ? "samples" : "labels"}; the arrays here are ${found}`;
}

/** Keras writes images channels last: taken so when only that fits what the model takes. */
function layoutOf(dims: readonly number[], wanted: readonly number[] | undefined): Sidecar["layout"] | null {
  if (dims.length !== 4 || wanted?.length !== 3) return null;
  const [, a, b, c] = dims;
  const first = a === wanted[0] && b === wanted[1] && c === wanted[2];
  const last = c === wanted[0] && a === wanted[1] && b === wanted[2];
  return last && !first ? "channels-last" : null;
}
