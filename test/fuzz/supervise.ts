import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FuzzResult } from "./run.ts";

export interface Supervised extends FuzzResult {
  readonly specimens: number;
  /** Largest resident size of the process that tried them, in MiB. */
  readonly megabytes: number;
}

export interface SuperviseOptions {
  readonly seed: number;
  readonly from?: number;
  readonly count: number;
  /** A folder with more models to mutate. */
  readonly corpus?: string;
  /** An attempt that takes longer than this is a hang. */
  readonly patienceMs?: number;
  readonly onProgress?: (index: number) => void;
}

const child = fileURLToPath(new URL("./child.ts", import.meta.url));

/**
 * Fuzzes in a process of its own, so that a hang, an exhausted memory or a crash is found and named. Rejects with the
 * number of the mutation that did it; run it alone with `npm run fuzz -- --from NUMBER --count 1`.
 */
export function supervise(options: SuperviseOptions): Promise<Supervised> {
  const args = ["--import", "tsx", "--max-old-space-size=1024", child];
  args.push("--seed", String(options.seed), "--from", String(options.from ?? 0), "--count", String(options.count));
  if (options.corpus !== undefined) args.push("--corpus", options.corpus);
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let last = "start-up";
    let complaint = "";
    let hung = false;
    const watch = () =>
      setTimeout(() => {
        hung = true;
        running.kill("SIGKILL");
      }, options.patienceMs ?? 30_000);
    let timer = watch();
    running.stderr.on("data", (text: Buffer) => {
      complaint = `${complaint}${text.toString()}`.slice(-2000);
    });
    createInterface({ input: running.stdout }).on("line", (line) => {
      clearTimeout(timer);
      timer = watch();
      last = line;
      if (!line.startsWith("{")) options.onProgress?.(Number.parseInt(line, 10));
    });
    running.on("close", (code) => {
      clearTimeout(timer);
      if (hung) reject(new Error(`mutation ${last} (seed ${options.seed}) hangs`));
      else if (code !== 0) reject(new Error(`mutation ${last} (seed ${options.seed}) ended the process: ${complaint}`));
      else resolve(JSON.parse(last) as Supervised);
    });
  });
}
