import { readdir } from "node:fs/promises";
import { EspalierError } from "../diagnostics/index.ts";
import { systemError } from "../io/read.ts";
import type { Dataset } from "./dataset.ts";
import { isIdxFolder, loadIdxDataset } from "./idx-dataset.ts";
import type { LoadOptions } from "./load-options.ts";
import { readSidecar } from "./sidecar.ts";

/**
 * One split of the data set in a folder: IDX files, or a folder of class folders with PNG or JPEG images.
 * @throws EspalierError "input" when it is neither, or is damaged; the message names the file.
 */
export async function loadDataset(folder: string, options: LoadOptions): Promise<Dataset> {
  let entries: Set<string>;
  try {
    entries = new Set(await readdir(folder));
  } catch (error) {
    throw systemError(error, folder, "data folder", "Check the folder given with --data.");
  }
  const sidecar = await readSidecar(folder);
  if (isIdxFolder(entries)) return loadIdxDataset(folder, entries, sidecar, options);
  throw new EspalierError("input", "Neither IDX files nor class folders are here", {
    where: folder,
    hint: "Expected train-images-idx3-ubyte(.gz) and its labels, or a folder for each class with PNG or JPEG images.",
  });
}
