import type { Dataset } from "../src/data/index.ts";
import { EspalierError } from "../src/diagnostics/index.ts";
import { hashJson, type RunDirectory, type StageOutput } from "../src/io/index.ts";
import type { DeployConfig } from "./config.ts";
import type { Progress } from "./progress.ts";
import { VERSION } from "./version.ts";

/** The splits of the data set, each with one use. */
export interface RunData {
  /** Fine-tuning, gradients, batch-norm statistics and calibration. */
  readonly train: Dataset;
  /** Sensitivity: no model is trained on these. */
  readonly heldOut: Dataset;
  /** Accuracy of original, pruned and artifact. Nothing is chosen by these but which of several timed artifacts is judged. */
  readonly test: Dataset;
}

/** A stage that ran, for the report. */
export interface StageRecord {
  readonly name: string;
  readonly seconds: number;
  readonly resumed: boolean;
}

/** All that the stages share. */
export interface RunContext {
  readonly config: DeployConfig;
  readonly data: RunData;
  readonly directory: RunDirectory;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly stages: StageRecord[];
}

/** A stage's stored result with the key that identifies it for the stages after it. */
export interface Staged<T> {
  readonly key: string;
  readonly json: T;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface StageSpec<T> {
  readonly name: string;
  /** What it does, for the person who waits. */
  readonly what: string;
  /** All that the result depends on, keys of earlier stages included. */
  readonly inputs: unknown;
  compute(): Promise<StageOutput<T>>;
  /** One line about the result. */
  summary(result: T): string;
}

/** Runs a stage, or takes over its result from an earlier run with the same inputs. */
export async function runStage<T>(context: RunContext, spec: StageSpec<T>): Promise<Staged<T>> {
  const { progress, directory, signal } = context;
  if (signal.aborted) throw new EspalierError("usage", `The run was cancelled before stage "${spec.name}"`);
  const key = hashJson({ version: VERSION, stage: spec.name, inputs: spec.inputs });
  progress.stage(spec.name, spec.what);
  const started = performance.now();
  const result = await directory.stage(spec.name, key, spec.compute);
  const seconds = (performance.now() - started) / 1000;
  if (result.reused) progress.resumed(spec.name);
  progress.done(spec.name, seconds, spec.summary(result.json));
  context.stages.push({ name: spec.name, seconds, resumed: result.reused });
  return { key, json: result.json, files: result.files };
}
