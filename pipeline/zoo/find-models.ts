import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { systemError } from "../../src/io/index.ts";
import { readTar } from "./tar.ts";

/** A model that the runner will try. */
export interface ZooEntry {
  /** Path below the folder, "archive.tar!inner/path" for a member of an archive. */
  readonly name: string;
  /** The file on disk. */
  readonly path: string;
  /** Name inside the archive. */
  readonly member?: string;
  /** A name that starts with neg_ says that the model must be refused. */
  readonly negative: boolean;
}

function isModel(name: string): boolean {
  return [".onnx", ".tflite"].includes(extname(name).toLowerCase()) || basename(name) === "model.json";
}

function isNegative(name: string): boolean {
  return name.split("/").some((part) => part.startsWith("neg_"));
}

/** Every .onnx, .tflite and model.json below a folder, also inside .tar files, in the order of their names. A file is taken as itself. */
export async function findModels(root: string): Promise<ZooEntry[]> {
  const entries: ZooEntry[] = [];
  for (const path of await filesBelow(root)) {
    const name = relative(root, path).split(sep).join("/") || basename(path);
    if (isModel(path)) entries.push({ name, path, negative: isNegative(name) });
    if (extname(path) !== ".tar") continue;
    for (const { name: member } of readTar(await readFile(path), path))
      if (isModel(member)) entries.push({ name: `${name}!${member}`, path, member, negative: isNegative(member) });
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function filesBelow(root: string): Promise<string[]> {
  try {
    const found = await readdir(root, { withFileTypes: true, recursive: true });
    return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return [join(dirname(root), basename(root))];
    throw systemError(error, root, "folder of models");
  }
}
