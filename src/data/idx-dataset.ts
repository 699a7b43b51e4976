import { join } from "node:path";
import { EspalierError } from "../diagnostics/index.ts";
import { arrayDataset } from "./array-dataset.ts";
import type { Dataset } from "./dataset.ts";
import { type IdxArray, readIdx } from "./idx.ts";
import type { LoadOptions, Split } from "./load-options.ts";
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
  const source = requireIdx(folder, entries, split, "images");
  const labelsPath = requireIdx(folder, entries, split, "labels");
  const { dims, data } = await readIdx(source);
  const labels = labelsOf(await readIdx(labelsPath), labelsPath);
  const other = findIdx(entries, split === "train" ? "test" : "train", "labels");
  const otherPath = other === null ? null : join(folder, other);
  const otherLabels = otherPath === null ? new Int32Array(0) : labelsOf(await readIdx(otherPath), otherPath);
  return arrayDataset({ folder, part: { dims, data, labels, source }, otherLabels }, sidecar, options);
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
