import { mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EspalierError, invariant } from "../diagnostics/index.ts";
import { removeStaleTemporaries, writeFileInFolder } from "./atomic.ts";
import { type Lock, takeLock } from "./lock.ts";
import { confine } from "./paths.ts";
import { systemError } from "./read.ts";
import { removeResults, writeResults } from "./results.ts";
import { commitStage, readStage, type StageOutput } from "./stage-store.ts";
import { readTimings, recordTiming, type Timings } from "./timings.ts";

/** What a stage gives, and where it came from. */
export interface StageResult<T> extends StageOutput<T> {
  readonly reused: boolean;
  /** Why it was computed: "not computed yet", "its inputs changed", "model.onnx was changed"...; null when it was reused. */
  readonly reason: string | null;
}

/**
 * A folder that holds the results of a run, one process at a time:
 *
 *   espalier-run.json        says that this is such a folder
 *   stages/<stage>.json      record: input hash, JSON result, hashes of the files; written last
 *   stages/<stage>/...       the stage's files
 *   timings.json             apart, because it differs from run to run
 *   results.json             lists what `writeResults` put there
 *   ...                      whatever `write` puts there: the final artifacts
 *   .lock                    while a process works in it
 */
export interface RunDirectory {
  /** Absolute path. */
  readonly path: string;
  /**
   * The result of a stage: the stored one if its input hash is the same and nothing in it was damaged or edited, otherwise
   * computed and stored. `inputHash` must cover all that the result depends on, the program's version included. A result
   * reads the same whether it was computed or reused: its JSON is passed through text in both cases.
   */
  stage<T>(name: string, inputHash: string, compute: () => Promise<StageOutput<T>>): Promise<StageResult<T>>;
  /** Writes a file below the folder, whole or not at all, creating folders as needed. Returns its absolute path. */
  write(path: string, content: Uint8Array | string): Promise<string>;
  /** Takes away what an earlier run handed over with `writeResults`, and nothing else. */
  removeResults(): Promise<void>;
  /** Hands over the results, in the order given, in place of an earlier run's. Returns their absolute paths. */
  writeResults(files: Readonly<Record<string, Uint8Array | string>>): Promise<string[]>;
  /** Milliseconds each stage took when it was last computed. */
  timings(): Promise<Timings>;
  /** Lets the next process in. */
  close(): Promise<void>;
}

const MARKER = "espalier-run.json";
const LOCK = ".lock";
const STAGES = "stages";

/**
 * Opens a run directory, creating it if need be, and clears what a killed run left.
 * @throws EspalierError "usage" when another process works in it, or the folder holds other things.
 */
export async function openRunDirectory(folder: string): Promise<RunDirectory> {
  const path = resolve(folder);
  await prepareFolder(path);
  const lock = await takeLock(join(path, LOCK));
  try {
    await writeFileInFolder(join(path, MARKER), '{\n  "espalierRun": 1\n}\n');
    await mkdir(join(path, STAGES), { recursive: true });
    await removeStaleTemporaries(path);
    await removeStaleTemporaries(join(path, STAGES), { alone: true });
  } catch (error) {
    await lock.release();
    throw error instanceof EspalierError ? error : systemError(error, path, "run directory");
  }
  return runDirectory(path, lock);
}

/** Refuses to scatter files over a folder that is not ours. */
async function prepareFolder(path: string): Promise<void> {
  let entries: string[];
  try {
    await mkdir(path, { recursive: true });
    entries = await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      throw new EspalierError("usage", "The run directory is a file, a folder is needed", {
        where: path,
        hint: "Give another path with --out.",
      });
    }
    throw systemError(error, path, "run directory");
  }
  const foreign = entries.filter((entry) => !entry.startsWith(".")).sort();
  if (foreign.length > 0 && !foreign.includes(MARKER)) {
    throw new EspalierError("usage", `The folder is not empty and not a run directory: it holds "${foreign[0]}"`, {
      where: path,
      hint: "Give a new or empty folder with --out.",
    });
  }
}

function runDirectory(path: string, lock: Lock): RunDirectory {
  const stages = join(path, STAGES);
  const timings = join(path, "timings.json");
  const running = new Set<string>();
  let open = true;

  const computed = async <T>(name: string, inputHash: string, compute: () => Promise<StageOutput<T>>) => {
    const started = performance.now();
    const output = await compute();
    await lock.verify();
    const stored = await commitStage(stages, name, inputHash, output);
    await recordTiming(timings, name, performance.now() - started);
    return stored;
  };

  return {
    path,
    stage: async <T>(name: string, inputHash: string, compute: () => Promise<StageOutput<T>>) => {
      invariant(open, `stage "${name}" of a closed run directory`);
      invariant(/^[a-z][a-z0-9-]*$/.test(name) && inputHash !== "", `stage name "${name}" or its input hash`);
      invariant(!running.has(name), `stage "${name}" is running already`);
      running.add(name);
      try {
        const found = await readStage<T>(stages, name, inputHash);
        if (typeof found !== "string") return { ...found, reused: true, reason: null };
        return { ...(await computed(name, inputHash, compute)), reused: false, reason: found };
      } finally {
        running.delete(name);
      }
    },
    write: async (relativePath, content) => {
      invariant(open, `write of "${relativePath}" into a closed run directory`);
      const target = await confine(path, relativePath);
      await writeFileInFolder(target, content);
      return target;
    },
    removeResults: async () => {
      invariant(open, "removal of results from a closed run directory");
      await removeResults(path);
    },
    writeResults: async (files) => {
      invariant(open, "write of results into a closed run directory");
      await lock.verify();
      return writeResults(path, files);
    },
    timings: () => readTimings(timings),
    close: async () => {
      if (!open) return;
      open = false;
      await lock.release();
    },
  };
}
