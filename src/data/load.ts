import { resolve } from "node:path";
import { EspalierError } from "../diagnostics/index.ts";
import { listFolder } from "../io/list-folder.ts";
import type { Dataset } from "./dataset.ts";
import { isIdxFolder, loadIdxDataset } from "./idx-dataset.ts";
import { loadImageDataset } from "./image-dataset.ts";
import { hasFolders } from "./image-files.ts";
import type { LoadOptions } from "./load-options.ts";
import { readSidecar, SIDECAR_NAME } from "./sidecar.ts";

/**
 * One split of the data set in a folder: IDX files, or class folders with PNG or JPEG images (with train/ and test/ above them or
 * not). `dataset.json` beside them may name the classes and the normalisation.
 * @throws EspalierError "input" when it is neither, or is damaged; the message names the file.
 */
export async function loadDataset(folder: string, options: LoadOptions): Promise<Dataset> {
  const root = resolve(folder);
  const entries = await listFolder(root, root);
  const files = new Set(entries.filter((entry) => entry.kind === "file").map((entry) => entry.name));
  const sidecar = files.has(SIDECAR_NAME) ? await readSidecar(root) : null;
  if (isIdxFolder(files)) return loadIdxDataset(root, files, sidecar, options);
  if (hasFolders(entries)) return loadImageDataset(root, sidecar, options);
  throw new EspalierError("input", "Neither IDX files nor class folders are here", {
    where: folder,
    hint: "Expected train-images-idx3-ubyte (or .gz) and its labels, or a folder for each class with PNG or JPEG images.",
  });
}
