import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { EspalierError } from "../diagnostics/index.ts";
import { isInside } from "./paths.ts";
import { systemError } from "./read.ts";

export interface FolderEntry {
  readonly name: string;
  readonly kind: "file" | "folder";
}

/**
 * The visible files and folders in `folder`, sorted by UTF-16 code units, the same on every system. Hidden entries and special
 * files are left out; a link to a file below `root` counts as that file.
 * @throws EspalierError "input" on a link that leads outside `root`, to a folder (it could form a circle) or to nothing.
 */
export async function listFolder(root: string, folder: string): Promise<FolderEntry[]> {
  try {
    const base = await realpath(root);
    const entries: FolderEntry[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      if (entry.isSymbolicLink()) await checkLink(base, join(folder, entry.name));
      if (entry.isFile() || entry.isSymbolicLink()) entries.push({ name: entry.name, kind: "file" });
      else if (entry.isDirectory()) entries.push({ name: entry.name, kind: "folder" });
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (error instanceof EspalierError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") {
      throw new EspalierError("input", "A folder is needed here, this is a file", { where: folder, cause: error });
    }
    throw systemError(error, folder, "folder");
  }
}

async function checkLink(base: string, path: string): Promise<void> {
  const target = await realpath(path).catch(() => null);
  if (target !== null && isInside(base, target) && (await stat(target)).isFile()) return;
  const where = target === null ? "to nothing" : isInside(base, target) ? "to a folder" : "outside the folder";
  throw new EspalierError("input", `A symbolic link leads ${where}`, {
    where: path,
    hint: "Copy what it points to into the folder, or remove the link.",
  });
}
