/** What the scripts that go over a folder of models share: flags, the list of models, a line each, the exit code. */
import { parseArgs } from "node:util";
import { findModels } from "../pipeline/zoo/find-models.ts";
import { EspalierError } from "../src/diagnostics/index.ts";

interface Settings {
  readonly folder: string;
  readonly filter: string;
  readonly json: boolean;
  readonly timeoutMs: number;
}

function settings(script: string): Settings {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      filter: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      timeout: { type: "string", default: "180" },
    },
  });
  const seconds = Number(values.timeout);
  if (positionals.length !== 1 || !(seconds > 0))
    throw new EspalierError(
      "usage",
      `Usage: npm run ${script} -- FOLDER [--filter <text>] [--json] [--timeout <seconds>]`,
    );
  return { folder: positionals[0]!, filter: values.filter, json: values.json, timeoutMs: seconds * 1000 };
}

interface Row {
  readonly status: string;
  readonly seconds: number;
}

/** A way of going over models: how it is called, the words for outcomes, and what it does. */
export interface ZooScript<R extends Row> {
  /** The npm script. */
  readonly script: string;
  readonly statuses: readonly R["status"][];
  readonly render: (row: R, width: number) => string;
  readonly run: (
    entries: Awaited<ReturnType<typeof findModels>>,
    options: { readonly timeoutMs: number; readonly onRow: (row: R) => void },
  ) => Promise<readonly R[]>;
}

async function overFolder<R extends Row>({ script, statuses, render, run }: ZooScript<R>): Promise<number> {
  const { folder, filter, json, timeoutMs } = settings(script);
  const entries = (await findModels(folder)).filter(({ name }) => name.includes(filter));
  if (entries.length === 0)
    throw new EspalierError("input", "There is no .onnx, .tflite or model.json file that fits", { where: folder });
  const width = Math.max(...entries.map(({ name }) => name.length));
  const print = (row: R) => void (json ? process.stderr : process.stdout).write(`${render(row, width)}\n`);
  const rows = await run(entries, { timeoutMs, onRow: print });
  const counts = statuses.map((status) => `${rows.filter((row) => row.status === status).length} ${status}`);
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else process.stdout.write(`\n${rows.length} models in ${seconds.toFixed(0)} s: ${counts.join(", ")}\n`);
  return rows.some(({ status }) => status === "FAIL") ? 1 : 0;
}

/** Runs a script to its exit code: 1 when a row says FAIL, and for errors, which are printed. */
export async function runZooScript<R extends Row>(script: ZooScript<R>): Promise<void> {
  try {
    process.exitCode = await overFolder(script);
  } catch (error) {
    const text =
      error instanceof EspalierError ? error.render() : error instanceof Error ? error.message : String(error);
    process.stderr.write(`error: ${text}\n`);
    process.exitCode = 1;
  }
}
