import { basename } from "node:path";
import { onInterrupt } from "../../src/io/index.ts";
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
  readonly qat?: number;
  readonly criterion?: string;
  readonly granularity?: string;
  readonly sparsityCriterion?: string;
  readonly testSamples?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Flags in the report's command, with the name of the value; where the files lie and how the output looked changes no result. */
const FLAGS = {
  target: "--target",
  model: "--model",
  data: "--data",
  profile: "--profile",
  seed: "--seed",
  latency: "--latency",
  flash: "--flash",
  ram: "--ram",
  macs: "--macs",
  maxAccuracyDrop: "--max-accuracy-drop",
  epochs: "--epochs",
  qat: "--qat",
  criterion: "--criterion",
  granularity: "--granularity",
  sparsityCriterion: "--sparsity-criterion",
  testSamples: "--test-samples",
} as const satisfies Partial<Record<keyof DeployOptions, string>>;

/** The command line as the report quotes it: names of files without their folders, quantities in ms, bytes and counts. */
export function commandOf(options: DeployOptions): string {
  const words = Object.entries(FLAGS).flatMap(([key, flag]) => {
    const value = options[key as keyof typeof FLAGS];
    if (value === undefined) return [];
    const text = key === "model" || key === "data" || key === "profile" ? basename(String(value)) : String(value);
    return [flag, /^[\w.,:%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`];
  });
  return ["espalier deploy", ...words].join(" ");
}

/** Runs a deployment and prints its result on stdout; answers the exit code (0, or 2 when a requirement does not hold). */
export async function runDeploy(options: DeployOptions): Promise<number> {
  const { latency, flash, ram, json, quiet, ...rest } = options;
  const progress = quiet === true ? silent : progressFor(process.stderr);
  const given = { latencyMs: latency, flashBytes: flash, ramBytes: ram };
  const limits = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const done = onInterrupt(() => progress.warn("interrupted; the same command goes on from the last finished stage"));
  try {
    const { report, reportJson, files } = await deploy({ ...rest, ...limits }, progress, {
      command: commandOf(options),
    });
    process.stdout.write(
      json === true ? reportJson : `${renderSummary(report)}\nWritten:\n${files.map((file) => `  ${file}\n`).join("")}`,
    );
    return report.verdict.exitCode;
  } finally {
    progress.end();
    done();
  }
}
