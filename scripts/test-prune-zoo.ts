/**
 * Prunes every model below a folder: `npm run test:prune-zoo -- FOLDER [--filter text] [--json] [--timeout seconds]`.
 *
 * Each .onnx, .tflite and model.json, also inside .tar files, is read and brought into canonical form. One line says its groups, what is
 * frozen and why, the MACs and parameters that are left when half of all channel units go (the lowest magnitudes, wherever they are; less
 * where the groups do not allow it), and how far the masked original and the cut graph differ at most in ONNX Runtime on seeded inputs,
 * with 90, 70, 50 and 30 % of the units left. Groups of whole rows are cut and proved one by one. Exit code 1 when any line says FAIL: a
 * difference above the tolerance, a crash, or no answer in time. What the import refuses is listed with its cause and judged by
 * `npm run test:zoo`.
 */
import { parseArgs } from "node:util";
import { type PruneRow, renderPruneRow } from "../pipeline/prune-zoo/row.ts";
import { runPruneZoo } from "../pipeline/prune-zoo/run-prune-zoo.ts";
import { findModels } from "../pipeline/zoo/find-models.ts";
import { EspalierError } from "../src/diagnostics/index.ts";

const USAGE = "Usage: npm run test:prune-zoo -- FOLDER [--filter <text>] [--json] [--timeout <seconds>]";

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

function summary(rows: readonly PruneRow[]): string {
  const counts = (["ok", "whole", "unproved", "refused", "FAIL"] as const).map(
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
  const print = (row: PruneRow) =>
    void (json ? process.stderr : process.stdout).write(`${renderPruneRow(row, width)}\n`);
  const rows = await runPruneZoo(entries, { timeoutMs, onRow: print });
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
