import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic, writeFileInFolder } from "./atomic.ts";
import { confine } from "./paths.ts";
import { readInputFile, systemError } from "./read.ts";
import { stableJson } from "./stable-json.ts";

/** Lists what a run handed over, so that the next run in the folder takes away just that. */
const LIST = "results.json";
/** A list that large is not ours. */
const MAX_LIST_BYTES = 1 << 20;

const listSchema = z.object({ files: z.array(z.string().min(1)) });

/** Removes the results of an earlier run from a folder: a result that lies there always belongs to the run that was asked for last. */
export async function removeResults(folder: string): Promise<void> {
  const path = join(folder, LIST);
  for (const file of await listed(path)) await remove(await confine(folder, file));
  await remove(path);
}

/** Hands over the results of a run, each file whole or not at all and in the order given, in place of an earlier run's. Returns their absolute paths. */
export async function writeResults(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<string[]> {
  await removeResults(folder);
  await writeFileAtomic(join(folder, LIST), stableJson({ files: Object.keys(files) }));
  const paths: string[] = [];
  for (const [file, content] of Object.entries(files)) {
    const path = await confine(folder, file);
    await writeFileInFolder(path, content);
    paths.push(path);
  }
  return paths;
}

/** The listed files; none when there is no list, or it is damaged: then nothing is removed that may not be ours. */
async function listed(path: string): Promise<readonly string[]> {
  try {
    const text = new TextDecoder().decode(await readInputFile(path, { maxBytes: MAX_LIST_BYTES }));
    return listSchema.parse(JSON.parse(text)).files;
  } catch {
    return [];
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw systemError(error, path, "result of an earlier run");
  }
}
