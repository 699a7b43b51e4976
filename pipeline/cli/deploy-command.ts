import { renderSummary } from "../../src/report/index.ts";
import { deploy } from "../deploy.ts";
import { silent } from "../progress.ts";
import { progressFor } from "./progress.ts";

/** The options of `deploy` as commander gives them. */
export interface DeployOptions {
  readonly target: string;
  readonly model?: string;
  readonly data?: string;
  readonly profile?: string;
  readonly out?: string;
  readonly seed?: number;
  readonly latency?: number;
  readonly flash?: number;
  readonly ram?: number;
  readonly macs?: number;
  readonly maxAccuracyDrop?: number;
  readonly epochs?: number;
  readonly criterion?: string;
  readonly testSamples?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Runs a deployment and prints its result on stdout; answers the exit code (0, or 2 when a requirement does not hold). */
export async function runDeploy(options: DeployOptions): Promise<number> {
  const { latency, flash, ram, json, quiet, ...rest } = options;
  const progress = quiet === true ? silent : progressFor(process.stderr);
  const given = { latencyMs: latency, flashBytes: flash, ramBytes: ram };
  const limits = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const { report, reportJson, files } = await deploy({ ...rest, ...limits }, progress);
  process.stdout.write(
    json === true ? reportJson : `${renderSummary(report)}\nWritten:\n${files.map((file) => `  ${file}\n`).join("")}`,
  );
  return report.verdict.exitCode;
}
