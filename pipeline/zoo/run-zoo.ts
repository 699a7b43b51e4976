import { fileURLToPath } from "node:url";
import type { ZooEntry } from "./find-models.ts";
import { runInWorkers } from "./in-workers.ts";
import type { ZooRow } from "./row.ts";

export interface ZooOptions {
  /** Longest time for one model, in milliseconds. */
  readonly timeoutMs: number;
  /** Called with each line as it is there, in the order of the entries. */
  readonly onRow: (row: ZooRow) => void;
}

/** Reads and compares every model in child processes, one after the other. */
export function runZoo(entries: readonly ZooEntry[], options: ZooOptions): Promise<ZooRow[]> {
  return runInWorkers(entries, { ...options, worker: fileURLToPath(new URL("./worker.ts", import.meta.url)), crashed });
}

function crashed({ name }: ZooEntry, detail: string, seconds: number): ZooRow {
  return {
    name,
    status: "FAIL",
    format: "?",
    bytes: 0,
    sizes: "",
    importSeconds: 0,
    seconds,
    difference: null,
    engine: "-",
    detail,
  };
}
