import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { onInterrupt } from "./interrupt.ts";
import { isAlive } from "./process-identity.ts";
import { systemError } from "./read.ts";

/** ".<name>.<process id>.<random>.tmp": hidden, and it tells whose it is. */
const TEMPORARY = /^\..*\.(\d+)\.[0-9a-f]{8}\.tmp$/;

/** Temporaries in use here: one with our process number that is not among them is from an earlier process of that number. */
const inUse = new Set<string>();

/**
 * Gives `build` a name beside `path` for a file or folder under construction. Whatever is still there under that name when
 * `build` ends, however it ends, is removed, also when a signal ends the process.
 */
export async function withTemporary<T>(path: string, build: (temporary: string) => Promise<T>): Promise<T> {
  // 60 UTF-16 units are at most 180 bytes of UTF-8, so that the whole name stays below the usual limit of 255.
  const name = `.${basename(path).slice(0, 60)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  const temporary = join(dirname(path), name);
  inUse.add(name);
  const done = onInterrupt(() => rmSync(temporary, { recursive: true, force: true }));
  try {
    return await build(temporary);
  } finally {
    // A failure to tidy up must not hide why `build` failed; the next run removes what stays.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    done();
    inUse.delete(name);
  }
}

/** Forces a folder's entries to disk, where the system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows cannot sync folders, and some network file systems refuse; the file itself is synced already.
  }
}

/** Writes a new file and forces it to disk; fails when it exists. Not atomic: for files nobody looks for yet. */
export async function writeFileSynced(path: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(path, "wx");
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file whole or not at all: temporary name in the same folder, sync, rename. A symbolic link at `path` is replaced,
 * not followed. The folder must exist. Whatever fails, `path` is as before and the temporary is removed.
 * @throws EspalierError with the path.
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  try {
    await withTemporary(path, async (temporary) => {
      await writeFileSynced(temporary, content);
      await rename(temporary, path);
    });
    await syncFolder(dirname(path));
  } catch (error) {
    throw systemError(error, path, "file to write", "Check that its folder exists and can be written.");
  }
}

/** `writeFileAtomic`, creating the folders above first. */
export async function writeFileInFolder(path: string, content: Uint8Array | string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw systemError(error, dirname(path), "folder to create");
  }
  await writeFileAtomic(path, content);
}

/**
 * Removes temporaries (files and folders) that ended processes left in a folder; returns their names, sorted. `alone` says that
 * the caller holds the folder's lock, so that every temporary that is not its own is a left-over, whoever has its number now.
 */
export async function removeStaleTemporaries(folder: string, { alone = false } = {}): Promise<string[]> {
  const removed: string[] = [];
  let entries: string[];
  try {
    entries = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return removed;
    throw systemError(error, folder, "folder");
  }
  for (const entry of entries.sort()) {
    const match = TEMPORARY.exec(entry);
    if (match === null || inUse.has(entry)) continue;
    const pid = Number(match[1]);
    if (!alone && pid !== process.pid && isAlive(pid)) continue;
    await rm(join(folder, entry), { recursive: true, force: true });
    removed.push(entry);
  }
  return removed;
}
