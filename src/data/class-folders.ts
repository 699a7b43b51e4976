import { join } from "node:path";
import { EspalierError, suggestion } from "../diagnostics/index.ts";
import { type FolderEntry, listFolder } from "../io/list-folder.ts";
import { HELD_OUT_FRACTION, type Split } from "./load-options.ts";
import { stratifiedSplit } from "./split.ts";

/** Files of one split, sorted by class and path, not yet read. */
export interface FileList {
  readonly classes: readonly string[];
  readonly paths: readonly string[];
  readonly labels: Int32Array;
  /** How the split was made when the folder did not say. */
  readonly note?: string;
}

/** Which files of a class folder are samples. */
export interface FileKind {
  readonly matches: RegExp;
  /** For messages: ".wav file". */
  readonly what: string;
}

/** Deepest nesting inside a class folder. */
const MAX_DEPTH = 16;

/** Whether a folder looks like class folders, or like train/ and test/ with class folders in them. */
export function hasFolders(entries: readonly FolderEntry[]): boolean {
  return entries.some((entry) => entry.kind === "folder");
}

/**
 * The samples of a split. `root` holds either train/ and test/ with class folders in them, or the class folders; then a fifth of
 * each class, chosen by a fixed seed, is the test split. Class names come from `named`, else from the folders of all splits.
 * @throws EspalierError "input" on an empty or unknown class folder, a missing split, or a link that leads outside.
 */
export async function listFiles(
  root: string,
  split: Split,
  named: readonly string[] | undefined,
  kind: FileKind,
): Promise<FileList> {
  const parts = await splitFolders(root);
  if (parts === null) {
    const all = await listClasses(root, root, named ?? (await classNames(root, [root])), kind);
    const chosen = stratifiedSplit(all.labels, { validation: HELD_OUT_FRACTION, seed: 0 })[
      split === "train" ? "train" : "validation"
    ].sort();
    const note = `No train/ and test/ folders: ${chosen.length} of ${all.paths.length} files, chosen by a fixed seed, are the ${split} split`;
    return { ...all, paths: Array.from(chosen, (i) => all.paths[i]!), labels: chosen.map((i) => all.labels[i]!), note };
  }
  const folder = parts[split];
  if (folder === undefined) {
    throw new EspalierError("input", `The ${split} split is missing: there is no folder "${split}"`, {
      where: root,
      hint: `Add ${split}/ with a folder for each class, or give one folder of class folders without train/ and test/.`,
    });
  }
  return listClasses(root, folder, named ?? (await classNames(root, Object.values(parts))), kind);
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

async function listClasses(
  root: string,
  folder: string,
  classes: readonly string[],
  kind: FileKind,
): Promise<FileList> {
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
    await collect(root, where, kind.matches, paths, 0);
    for (let i = before; i < paths.length; i++) labels.push(label);
    if (paths.length === before) {
      throw new EspalierError("input", `The class folder "${entry.name}" holds no ${kind.what}`, {
        where,
        hint: "Convert its files, or remove the folder.",
      });
    }
  }
  return { classes, paths, labels: Int32Array.from(labels) };
}

async function collect(root: string, folder: string, matches: RegExp, into: string[], depth: number): Promise<void> {
  if (depth > MAX_DEPTH) {
    throw new EspalierError("input", `Folders are nested deeper than ${MAX_DEPTH}`, { where: folder });
  }
  for (const entry of await listFolder(root, folder)) {
    const path = join(folder, entry.name);
    if (entry.kind === "folder") await collect(root, path, matches, into, depth + 1);
    else if (matches.test(entry.name)) into.push(path);
  }
}

/** Whether any file below a folder matches: tells class folders of sounds from class folders of images. */
export async function holdsFiles(root: string, matches: RegExp): Promise<boolean> {
  const queue: { path: string; depth: number }[] = [{ path: root, depth: 0 }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const entry of await listFolder(root, next.path)) {
      if (entry.kind === "file" && matches.test(entry.name)) return true;
      if (entry.kind === "folder" && next.depth < MAX_DEPTH)
        queue.push({ path: join(next.path, entry.name), depth: next.depth + 1 });
    }
  }
  return false;
}
