import { fileURLToPath } from "node:url";
import type { ZooEntry } from "../zoo/find-models.ts";
import { runInWorkers } from "../zoo/in-workers.ts";
import { emptyRow, type PruneRow } from "./row.ts";

/** Prunes every model in child processes, one after the other; `timeoutMs` is the longest time for one of them. */
export function runPruneZoo(
  entries: readonly ZooEntry[],
  options: { readonly timeoutMs: number; readonly onRow: (row: PruneRow) => void },
): Promise<PruneRow[]> {
  return runInWorkers(entries, {
    ...options,
    worker: fileURLToPath(new URL("./worker.ts", import.meta.url)),
    crashed: ({ name }, detail, seconds): PruneRow => ({ ...emptyRow(name), detail, seconds }),
  });
}
