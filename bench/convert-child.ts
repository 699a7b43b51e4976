/** One conversion in a process of its own, for convert.ts: `convert-child.ts MODE FILE`; answers with time and memory. */
import { readFile, writeFile } from "node:fs/promises";
import { readOnnx, writeOnnx } from "../src/formats/onnx/index.ts";
import { writeTflite } from "../src/formats/tflite/index.ts";
import { deployPipeline, importPipeline, runPasses } from "../src/passes/index.ts";

/** What the child tells its parent. */
export interface Measured {
  readonly milliseconds: number;
  /** Largest resident set that the process ever had, in bytes. */
  readonly peak: number;
}

const [mode, file] = process.argv.slice(2) as [string, string];
const start = performance.now();
if (mode !== "nothing") {
  // One expression: a name would keep each step's weights for the whole run.
  const bytes =
    mode === "onnx"
      ? writeOnnx(runPasses(readOnnx(await readFile(file)), importPipeline))
      : writeTflite(runPasses(readOnnx(await readFile(file)), [...importPipeline, ...deployPipeline]));
  await writeFile(`${file}.${mode}`, bytes);
}
const measured: Measured = {
  milliseconds: performance.now() - start,
  // Kilobytes on Linux and macOS alike (libuv's uv_getrusage).
  peak: 1024 * process.resourceUsage().maxRSS,
};
process.send!(measured);
