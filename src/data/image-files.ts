import { join } from "node:path";
import { EspalierError, suggestion } from "../diagnostics/index.ts";
import { type FolderEntry, listFolder } from "../io/list-folder.ts";
import type { Split } from "./load-options.ts";
import { stratifiedSplit } from "./split.ts";

/** Images of one split, sorted by class and path, not yet read. */
export interface ImageList {
  readonly classes: readonly string[];
  readonly paths: readonly string[];
  readonly labels: Int32Array;
  /** How the split was made when the folder did not say. */
  readonly note?: string;
}

const IMAGE_NAME = /\.(png|jpe?g)$/i;

/** Share of each class that is the test split when a folder has no train/ and test/ of its own. */
export const HELD_OUT_FRACTION = 0.2;

/** Deepest nesting inside a class folder. */
const MAX_DEPTH = 16;

/** Whether a folder looks like class folders, or like train/ and test/ with class folders in them. */
export function hasFolders(entries: readonly FolderEntry[]): boolean {
  return entries.some((entry) => entry.kind === "folder");
}

/**
 * The images of a split. `root` holds either train/ and test/ with class folders in them, or the class folders; then a fifth of
 * each class, chosen by a fixed seed, is the test split. Class names come from `named`, else from the folders of all splits.
 * @throws EspalierError "input" on an empty or unknown class folder, a missing split, or a link that leads outside.
 */
export async function listImages(root: string, split: Split, named: readonly string[] | undefined): Promise<ImageList> {
  const parts = await splitFolders(root);
  if (parts === null) {
    const all = await listClasses(root, root, named ?? (await classNames(root, [root])));
    const chosen = stratifiedSplit(all.labels, { validation: HELD_OUT_FRACTION, seed: 0 })[
      split === "train" ? "train" : "validation"
    ].sort();
    const note = `No train/ and test/ folders: ${chosen.length} of ${all.paths.length} images, chosen by a fixed seed, are the ${split} split`;
    return { ...all, paths: Array.from(chosen, (i) => all.paths[i]!), labels: chosen.map((i) => all.labels[i]!), note };
  }
  const folder = parts[split];
  if (folder === undefined) {
    throw new EspalierError("input", `The ${split} split is missing: there is no folder "${split}"`, {
      where: root,
      hint: `Add ${split}/ with a folder for each class, or give one folder of class folders without train/ and test/.`,
    });
  }
  return listClasses(root, folder, named ?? (await classNames(root, Object.values(parts))));
}

/** train/ and test/ below a root that have folders in them (a class may itself be called "train"); null when there are none. */
async function splitFolders(root: string): Promise<{ train?: string; test?: string } | null> {
  const found: { train?: string; test?: string } = {};
  for (const entry of await listFolder(root, root)) {
    if (entry.kind !== "folder" || (entry.name !== "train" && entry.name !== "test")) continue;
    const folder = join(root, entry.name);
    if (hasFolders(await listFolder(root, folder))) found[entry.name] = folder;
  }
  return found.train === undefined && found.test === undefined ? null : found;
}

/** Names of the folders in any of `parents`, sorted, each once. */
async function classNames(root: string, parents: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const parent of parents) {
    for (const entry of await listFolder(root, parent)) if (entry.kind === "folder") names.add(entry.name);
  }
  return [...names].sort();
}

async function listClasses(root: string, folder: string, classes: readonly string[]): Promise<ImageList> {
  const paths: string[] = [];
  const labels: number[] = [];
  for (const entry of await listFolder(root, folder)) {
    if (entry.kind === "file") continue;
    const label = classes.indexOf(entry.name);
    const where = join(folder, entry.name);
    if (label < 0) {
      const hint = `${suggestion(entry.name, classes)} They come from dataset.json.`;
      throw new EspalierError("input", `The folder "${entry.name}" is not one of the ${classes.length} classes`, {
        where,
        hint,
      });
    }
    const before = paths.length;
    await collect(root, where, paths, 0);
    for (let i = before; i < paths.length; i++) labels.push(label);
    if (paths.length === before) {
      throw new EspalierError("input", `The class folder "${entry.name}" holds no .png, .jpg or .jpeg file`, {
        where,
        hint: "Convert its images to PNG or JPEG, or remove the folder.",
      });
    }
  }
  return { classes, paths, labels: Int32Array.from(labels) };
}

async function collect(root: string, folder: string, into: string[], depth: number): Promise<void> {
  if (depth > MAX_DEPTH) {
    throw new EspalierError("input", `Folders are nested deeper than ${MAX_DEPTH}`, { where: folder });
  }
  for (const entry of await listFolder(root, folder)) {
    const path = join(folder, entry.name);
    if (entry.kind === "folder") await collect(root, path, into, depth + 1);
    else if (IMAGE_NAME.test(entry.name)) into.push(path);
  }
}
