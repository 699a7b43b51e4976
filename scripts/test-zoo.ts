/**
 * Tries every model below a folder: `npm run test:zoo -- FOLDER [--filter text] [--json] [--timeout seconds]`.
 *
 * Each .onnx, .tflite and model.json, also inside .tar files, is read, brought into canonical form, written as ONNX and run
 * in ONNX Runtime; the original runs in its own runtime on the same seeded inputs; one line tells the largest difference.
 * Files whose name starts with neg_ must be refused. Exit code 1 when any line says FAIL.
 */
import { parseArgs } from "node:util";
import { findModels } from "../pipeline/zoo/find-models.ts";
import { renderRow, type ZooRow } from "../pipeline/zoo/row.ts";
import { runZoo } from "../pipeline/zoo/run-zoo.ts";
import { EspalierError } from "../src/diagnostics/index.ts";

const USAGE = "Usage: npm run test:zoo -- FOLDER [--filter <text>] [--json] [--timeout <seconds>]";

interface Settings {
  readonly folder: string;
  readonly filter: string;
  readonly json: boolean;
  readonly timeoutMs: number;
}

function settings(): Settings {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      filter: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      timeout: { type: "string", default: "180" },
    },
  });
  const seconds = Number(values.timeout);
  if (positionals.length !== 1 || !(seconds > 0)) throw new EspalierError("usage", USAGE);
  return { folder: positionals[0]!, filter: values.filter, json: values.json, timeoutMs: seconds * 1000 };
}

function summary(rows: readonly ZooRow[]): string {
  const counts = ["ok", "refused", "unrun", "FAIL"].map(
    (status) => `${rows.filter((row) => row.status === status).length} ${status}`,
  );
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  return `${rows.length} models in ${seconds.toFixed(0)} s: ${counts.join(", ")}`;
}

async function main(): Promise<number> {
  const { folder, filter, json, timeoutMs } = settings();
  const entries = (await findModels(folder)).filter(({ name }) => name.includes(filter));
  if (entries.length === 0)
    throw new EspalierError("input", "There is no .onnx, .tflite or model.json file that fits", { where: folder });
  const width = Math.max(...entries.map(({ name }) => name.length));
  const print = (row: ZooRow) => void (json ? process.stderr : process.stdout).write(`${renderRow(row, width)}\n`);
  const rows = await runZoo(entries, { timeoutMs, onRow: print });
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else process.stdout.write(`\n${summary(rows)}\n`);
  return rows.some(({ status }) => status === "FAIL") ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const text = error instanceof EspalierError ? error.render() : error instanceof Error ? error.message : String(error);
  process.stderr.write(`error: ${text}\n`);
  process.exitCode = 1;
}
