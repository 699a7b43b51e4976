import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, readFile, rename, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import { EspalierError } from "../diagnostics/index.ts";
import { withTemporary, writeFileSynced } from "./atomic.ts";
import { onInterrupt } from "./interrupt.ts";
import { processIdentity, stillRuns } from "./process-identity.ts";
import { systemError } from "./read.ts";
import { stableJson } from "./stable-json.ts";

const lockSchema = z.object({
  pid: z.number().int().positive(),
  start: z.string().nullable(),
  host: z.string(),
  token: z.string(),
});

type LockContent = z.infer<typeof lockSchema>;

/** A held lock. */
export interface Lock {
  /** Throws EspalierError "runtime" if the lock file is no longer ours (removed or taken by another process). */
  verify(): Promise<void>;
  release(): Promise<void>;
}

/** A lock file without readable content is taken for abandoned after this time: writing one takes milliseconds. */
const UNREADABLE_IS_STALE_MS = 10_000;

/**
 * Takes a lock file. One left by an ended process, also one whose number was given out anew, is replaced.
 * @throws EspalierError "usage" when another process holds it, naming the process.
 */
export async function takeLock(path: string): Promise<Lock> {
  const token = randomBytes(16).toString("hex");
  const content: LockContent = { ...processIdentity(), token };
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await createLock(path, stableJson(content))) return heldLock(path, token);
    await clearIfStale(path);
  }
  throw held(path, "another process", "Try again in a moment.");
}

function heldLock(path: string, token: string): Lock {
  const isOurs = () => {
    try {
      return (JSON.parse(readFileSync(path, "utf8")) as LockContent).token === token;
    } catch {
      return false;
    }
  };
  const removeOurs = () => {
    if (isOurs()) rmSync(path, { force: true });
  };
  const done = onInterrupt(removeOurs);
  return {
    verify: async () => {
      if (isOurs()) return;
      throw new EspalierError("runtime", "The lock of this run was removed or taken by another process", {
        where: path,
        hint: "Stop the other run, then run again; finished stages are kept.",
      });
    },
    release: async () => {
      done();
      removeOurs();
    },
  };
}

/** Creates the lock with its content in one step, so that nobody ever reads half a lock; false when there is one already. */
async function createLock(path: string, content: string): Promise<boolean> {
  try {
    await withTemporary(path, async (temporary) => {
      await writeFileSynced(temporary, content);
      await link(temporary, path);
    });
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "EEXIST") return false;
    if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code)) return createWithoutLink(path, content);
    throw systemError(error, path, "lock file");
  }
}

/** For file systems without hard links (FAT, some network ones). */
async function createWithoutLink(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw systemError(error, path, "lock file");
  }
}

/** Removes the lock at `path` if nobody holds it; throws when somebody does. */
async function clearIfStale(path: string): Promise<void> {
  const found = await readLock(path);
  if (found === "gone") return;
  if (found !== "unreadable") {
    const runs = stillRuns(found);
    if (runs === "unknown") {
      throw held(path, `process ${found.pid} on ${found.host}`, "If that run has ended, delete the lock file.");
    }
    if (runs) throw held(path, `process ${found.pid}`, "Wait for it, stop it, or give another folder with --out.");
  }
  // Between reading and removing, another process may have replaced the stale lock by its own: move it away, then look again.
  try {
    await withTemporary(path, async (aside) => {
      await rename(path, aside);
      const moved = await readLock(aside);
      const same =
        found === "unreadable" ? moved === "unreadable" : typeof moved === "object" && moved.token === found.token;
      if (!same) await link(aside, path).catch(() => undefined);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error instanceof EspalierError ? error : systemError(error, path, "lock file");
  }
}

async function readLock(path: string): Promise<LockContent | "gone" | "unreadable"> {
  let text: string;
  let age: number;
  try {
    age = Date.now() - (await stat(path)).mtimeMs;
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "gone";
    throw systemError(error, path, "lock file");
  }
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    if (age > UNREADABLE_IS_STALE_MS) return "unreadable";
    throw held(path, "an unknown process", "If no run is active, delete the lock file.");
  }
}

function held(path: string, who: string, hint: string): EspalierError {
  return new EspalierError("usage", `The run directory is in use by ${who}`, { where: path, hint });
}
