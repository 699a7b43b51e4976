import { type ChildProcess, fork } from "node:child_process";
import { onInterrupt } from "../../src/io/index.ts";
import type { ZooEntry } from "./find-models.ts";

/** How models are tried in child processes; `Row` is what one of them becomes. */
export interface WorkerOptions<Row> {
  /** The program of the child process: a file that calls `serveEntries`. */
  readonly worker: string;
  /** Longest time for one model, in milliseconds. */
  readonly timeoutMs: number;
  /** The row of a model whose process ended or was ended without one. */
  readonly crashed: (entry: ZooEntry, failure: string, seconds: number) => Row;
  /** Called with each row as it is there, in the order of the entries. */
  readonly onRow: (row: Row) => void;
}

/** A worker whose memory has grown beyond this gives way to a fresh one: runtimes keep what they once had. */
const MAX_MEMORY = 1.5e9;
/** Heap of a worker, in MiB: a model that needs more is one line that fails, not a machine that swaps. */
const HEAP_MIB = 4096;

interface Answer<Row> {
  readonly row: Row;
  readonly memory: number;
}

/** Tries every model in child processes, one after the other. A crash, a hang or too much memory fails that model alone. */
export async function runInWorkers<Row>(entries: readonly ZooEntry[], options: WorkerOptions<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  let worker: ChildProcess | null = null;
  const stop = () => {
    worker?.kill("SIGKILL");
    worker = null;
  };
  const done = onInterrupt(stop);
  try {
    for (const entry of entries) {
      // "advanced": JSON has no Infinity.
      worker ??= fork(options.worker, {
        execArgv: [...process.execArgv, `--max-old-space-size=${HEAP_MIB}`],
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        serialization: "advanced",
      });
      const answer = await ask<Row>(worker, entry, options.timeoutMs);
      if ("failure" in answer || answer.memory > MAX_MEMORY) stop();
      const row = "failure" in answer ? options.crashed(entry, answer.failure, answer.seconds) : answer.row;
      rows.push(row);
      options.onRow(row);
    }
  } finally {
    stop();
    done();
  }
  return rows;
}

/** The child process' side: answers each entry with what `attempt` makes of it, which must not throw. */
export function serveEntries<Row>(attempt: (entry: ZooEntry) => Promise<Row>): void {
  process.on("message", (entry: ZooEntry) => {
    void attempt(entry).then((row) => {
      process.send?.({ row, memory: process.memoryUsage().rss } satisfies Answer<Row>);
    });
  });
  // Without its parent there is nobody to answer.
  process.on("disconnect", () => process.exit(0));
}

interface Failure {
  readonly failure: string;
  readonly seconds: number;
}

/** The worker's answer, or how it ended without one. */
function ask<Row>(worker: ChildProcess, entry: ZooEntry, timeoutMs: number): Promise<Answer<Row> | Failure> {
  const start = performance.now();
  return new Promise((resolve) => {
    let said = "";
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    };
    const end = (answer: Answer<Row> | { readonly failure: string }) => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("exit", onExit).off("error", onError);
      worker.stderr?.off("data", hear);
      resolve("failure" in answer ? { ...answer, seconds: (performance.now() - start) / 1000 } : answer);
    };
    const onMessage = (message: unknown) => end(message as Answer<Row>);
    const onError = (error: Error) => end({ failure: `the process failed: ${error.message}` });
    const onExit = (code: number | null, signal: string | null) => {
      const last = said
        .trim()
        .split("\n")
        .find((line) => /error|fatal|abort/i.test(line));
      end({ failure: `the process ended with ${signal ?? `code ${code}`}${last === undefined ? "" : `: ${last}`}` });
    };
    const timer = setTimeout(() => end({ failure: `no answer within ${timeoutMs / 1000} s` }), timeoutMs);
    worker.on("message", onMessage).on("exit", onExit).on("error", onError);
    worker.stderr?.on("data", hear);
    worker.send(entry);
  });
}
