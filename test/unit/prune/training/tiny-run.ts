import { expect } from "vitest";
import { type Graph, valueById } from "../../../../src/ir/index.ts";
import { type PruneTrainingOptions, type PruneTrainingResult, proveCut } from "../../../../src/prune/index.ts";
import { openRun, type PruneRun } from "../../../../src/prune/training/run.ts";
import { runOnce } from "../../../../src/runtimes/index.ts";
import { type TrainingData, train } from "../../../../src/train/index.ts";
import { stripes, tinyClassifier } from "../../train/tiny.ts";

export const learned = stripes(96);
export const judged = stripes(96, 99);

export const settings = { batch: 16, threads: 1, schedule: { kind: "constant", rate: 0.03 } } as const;

let trained: Promise<Graph> | undefined;

/** The tiny classifier after 40 updates, trained once a file. */
export function trainedClassifier(): Promise<Graph> {
  trained ??= train(tinyClassifier(), learned, { ...settings, steps: 40 }).then(({ graph }) => graph);
  return trained;
}

/** The masked trained graph computes what the cut graph does, in ONNX Runtime; answers what the cut changed. */
export async function expectProved(result: PruneTrainingResult, data: TrainingData = judged): Promise<number> {
  const { trained: whole, groups, cut } = result;
  const inputs = { [valueById(whole, whole.inputs[0]!).name]: data.batch(Int32Array.from({ length: 8 }, (_, i) => i)) };
  const proof = await proveCut(whole, groups, cut, { run: runOnce, inputs });
  expect(proof.pass).toBe(true);
  expect(proof.maxAbs).toBeLessThan(1e-5);
  return proof.effect;
}

/** A run that is not started, as a method gets it. */
export function runOf(graph: Graph, options: Partial<PruneTrainingOptions> = {}): PruneRun {
  return openRun(graph, learned, { method: { kind: "one-shot" }, keep: 0.5, steps: 10, train: settings, ...options });
}

export function constant(graph: Graph, name: string): Float32Array {
  const value = [...graph.values.values()].find((candidate) => candidate.name === name);
  return value!.data!.data as Float32Array;
}
