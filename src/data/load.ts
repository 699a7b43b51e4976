import { resolve } from "node:path";
import { EspalierError } from "../diagnostics/index.ts";
import { listFolder } from "../io/list-folder.ts";
import { loadAudioDataset, SOUND_NAME } from "./audio-dataset.ts";
import { isCifarFolder, loadCifarDataset } from "./cifar-dataset.ts";
import { hasFolders, holdsFiles } from "./class-folders.ts";
import { isCsvFolder, loadCsvDataset } from "./csv-dataset.ts";
import type { Dataset } from "./dataset.ts";
import { isIdxFolder, loadIdxDataset } from "./idx-dataset.ts";
import { loadImageDataset } from "./image-dataset.ts";
import type { LoadOptions } from "./load-options.ts";
import { isModule, loadModuleDataset } from "./module-dataset.ts";
import { isNumpyFolder, loadNumpyDataset } from "./numpy-dataset.ts";
import { readSidecar, SIDECAR_NAME } from "./sidecar.ts";

/**
 * One split of the data set in a folder: IDX files, NumPy arrays, CIFAR binaries, tables (CSV), or class folders with PNG or JPEG images or WAV
 * sounds (with train/ and test/ above them or not); or what an ES module yields. `dataset.json` beside the files may say more.
 * @throws EspalierError "input" when it is none of these, or is damaged; the message names the file.
 */
export async function loadDataset(folder: string, options: LoadOptions): Promise<Dataset> {
  if (isModule(folder)) return loadModuleDataset(folder, options);
  const root = resolve(folder);
  const entries = await listFolder(root, root);
  const files = new Set(entries.filter((entry) => entry.kind === "file").map((entry) => entry.name));
  const sidecar = files.has(SIDECAR_NAME) ? await readSidecar(root) : null;
  if (isIdxFolder(files)) return loadIdxDataset(root, files, sidecar, options);
  if (isCifarFolder(files)) return loadCifarDataset(root, files, sidecar, options);
  if (isNumpyFolder(files)) return loadNumpyDataset(root, files, sidecar, options);
  if (isCsvFolder(files)) return loadCsvDataset(root, files, sidecar, options);
  if (hasFolders(entries)) {
    const sounds = sidecar?.audio !== undefined || (await holdsFiles(root, SOUND_NAME));
    return sounds ? loadAudioDataset(root, sidecar, options) : loadImageDataset(root, sidecar, options);
  }
  throw new EspalierError("input", "No data set that Espalier reads is here", {
    where: folder,
    hint: "Expected IDX files, NumPy arrays (x_train.npy or .npz), CIFAR binaries, train.csv, or a folder for each class with PNG, JPEG or WAV files.",
  });
}
