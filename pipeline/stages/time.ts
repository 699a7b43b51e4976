import type { Graph } from "../../src/ir/index.ts";
import { deployPipeline, runPasses } from "../../src/passes/index.ts";
import { openOrt, type Timing, timeInterleaved } from "../../src/runtimes/index.ts";
import { loadLiteRt } from "../../src/runtimes/litert.ts";
import { float32, seededRandom } from "../../src/tensor/index.ts";
import { toInput } from "../artifact-scores.ts";
import type { RunContext, Staged } from "../context.ts";
import type { Outcome } from "../outcome.ts";
import type { Emitted } from "./emit.ts";
import type { ImportedModel } from "./import.ts";

/** Something that runs one sample: a graph or ONNX bytes in ONNX Runtime, or a .tflite file in LiteRT. */
export type Timed =
  | { readonly kind: "onnx"; readonly model: Graph | Uint8Array }
  | { readonly kind: "tflite"; readonly bytes: Uint8Array };

interface Runner {
  run(): Promise<unknown>;
  close(): Promise<void>;
}

async function runnerFor(timed: Timed, sampleShape: readonly number[]): Promise<Runner> {
  const random = seededRandom(0, "timing");
  const size = sampleShape.reduce((a, b) => a * b, 1);
  const sample = float32(
    [1, ...sampleShape],
    Float32Array.from({ length: size }, () => random.next()),
  );
  if (timed.kind === "onnx") {
    // One thread: idle threads of one session spin for a while and would take the core from the next contestant.
    const session = await openOrt(timed.model, { threads: 1 });
    const feeds = { [session.inputNames[0]!]: sample };
    return { run: () => session.run(feeds), close: () => session.close() };
  }
  const session = await loadLiteRt(timed.bytes);
  const input = toInput(sample, session.inputs[0]!);
  return { run: () => session.run([input]), close: async () => session.close() };
}

/** Latency of one sample (batch 1) on this machine, all candidates interleaved in the same minute. */
export async function timeModels(
  models: readonly Timed[],
  sampleShape: readonly number[],
  rounds = 80,
): Promise<Timing[]> {
  const runners: Runner[] = [];
  try {
    for (const model of models) runners.push(await runnerFor(model, sampleShape));
    // Several runs a measurement: a run of a small model takes a fraction of a millisecond, near the clock's and the scheduler's grain.
    return await timeInterleaved(
      runners.map(({ run }) => run),
      { rounds, warmup: 10, repeats: 5 },
    );
  } finally {
    for (const runner of runners) await runner.close();
  }
}

/** Times every runnable artifact beside the original. Not a stage that is taken over: a time belongs to the minute it was measured in. */
export async function timeArtifacts(
  context: RunContext,
  model: ImportedModel,
  emitted: Staged<Emitted>,
): Promise<Outcome["timings"]> {
  const { progress } = context;
  const started = performance.now();
  progress.stage("time", "original and artifacts in turn, batch 1");
  const runnable = emitted.json.files.filter(({ kind }) => kind !== "c");
  const original: Timed = { kind: "onnx", model: runPasses(model.graph, deployPipeline) };
  const timed = runnable.map(
    ({ file }): Timed =>
      file.endsWith(".onnx")
        ? { kind: "onnx", model: emitted.files[file]! }
        : { kind: "tflite", bytes: emitted.files[file]! },
  );
  const [first, ...rest] = await timeModels([original, ...timed], model.sampleShape);
  const artifacts = runnable.map(({ file }, i) => ({ file, timing: rest[i]! }));
  const seconds = (performance.now() - started) / 1000;
  progress.done(
    "time",
    seconds,
    `original ${first!.medianMs.toFixed(3)} ms, ${artifacts.map(({ file, timing }) => `${file} ${timing.medianMs.toFixed(3)} ms`).join(", ")}`,
  );
  context.stages.push({ name: "time", seconds, resumed: false });
  return { original: first!, artifacts };
}
