import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import type { ReportFacts } from "../src/report/index.ts";
import { liteRtVersion } from "../src/runtimes/litert.ts";

/** The machine and the runtimes that a run's measurements were made with. */
export function environmentOf(): ReportFacts["run"]["environment"] {
  const require = createRequire(import.meta.url);
  const ort = (
    JSON.parse(readFileSync(require.resolve("onnxruntime-node/package.json"), "utf8")) as { version: string }
  ).version;
  return {
    node: process.version,
    runtimes: [
      { name: "ONNX Runtime", version: ort },
      { name: "LiteRT", version: liteRtVersion() },
    ],
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
  };
}
