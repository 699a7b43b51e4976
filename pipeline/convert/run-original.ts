import { EspalierError } from "../../src/diagnostics/index.ts";
import type { ModelRunner, RunnerPort } from "../../src/runtimes/index.ts";
import { fromNumbers, type Tensor } from "../../src/tensor/index.ts";
import type { OriginalRuns } from "../model-check/compare-runs.ts";
import { openOriginal } from "../model-check/open-original.ts";
import { type SampleKind, sampleInputs } from "../model-check/sample-inputs.ts";
import type { InputSettings, ModelBytes } from "../model-file.ts";
import type { Samples } from "./quantise-model.ts";

/** Runs that are compared: random inputs, or samples of the data. */
const RUNS = 3;
/** From this size on, in bytes, one input has to do: a run takes seconds, and every weight takes part in it. */
const LARGE = 32e6;
const DATA_RUNS = 16;
const SEED = 1;
const KINDS: readonly SampleKind[] = ["random", "bits", "zeros"];

/** Sizes of the inputs: as told, else as stated, with a batch of 1. */
function sizesOf(ports: readonly RunnerPort[], { inputShapes = {}, inputValues = {} }: InputSettings): number[][] {
  return ports.map(({ name, shape }) => {
    const value = inputValues[name];
    if (Array.isArray(value) && shape.length === 1) return [value.length];
    return (Object.hasOwn(inputShapes, name) ? inputShapes[name]! : shape).map((dim) =>
      typeof dim === "number" ? dim : 1,
    );
  });
}

function bind(port: RunnerPort, tensor: Tensor, { inputValues = {} }: InputSettings): Tensor {
  if (!Object.hasOwn(inputValues, port.name)) return tensor;
  const value = inputValues[port.name]!;
  return fromNumbers(tensor.dtype, tensor.shape, typeof value === "number" ? [value] : value);
}

/** Runs the original on samples of the data, else on seeded random inputs. Throws EspalierError "runtime" when its runtime refuses it. */
export async function runOriginalOn(
  model: ModelBytes,
  settings: InputSettings,
  samples: Samples | null,
): Promise<OriginalRuns> {
  const first = await openOriginal(model, { frugal: true });
  const sizes = sizesOf(first.inputs, settings);
  const runner =
    model.format === "tflite" && settings.inputShapes !== undefined ? await reopened(model, first, sizes) : first;
  try {
    const runs =
      samples === null
        ? await randomRuns(runner, sizes, settings, model.totalBytes < LARGE ? RUNS : 1)
        : await runAll(runner, dataInputs(samples));
    return { engine: runner.engine, inputs: runner.inputs, outputs: runner.outputs, runs };
  } finally {
    await runner.close();
  }
}

async function reopened(
  model: ModelBytes,
  first: ModelRunner,
  sizes: readonly (readonly number[])[],
): Promise<ModelRunner> {
  await first.close();
  return openOriginal(model, { inputShapes: sizes, frugal: true });
}

function dataInputs(samples: Samples): Tensor[][] {
  return Array.from({ length: Math.min(DATA_RUNS, samples.count) }, (_, i) => [samples.batch(i, i + 1)]);
}

/** Integers may have to be small (indices) or zero; the first kind that the original takes is used for all runs. */
async function randomRuns(
  runner: ModelRunner,
  sizes: readonly (readonly number[])[],
  settings: InputSettings,
  count: number,
): Promise<OriginalRuns["runs"]> {
  let refusal: unknown;
  for (const kind of KINDS) {
    const inputs = Array.from({ length: count }, (_, i) =>
      sampleInputs(runner.inputs, sizes, SEED + i, kind).map((tensor, at) =>
        bind(runner.inputs[at]!, tensor, settings),
      ),
    );
    try {
      return await runAll(runner, inputs);
    } catch (error) {
      if (!(error instanceof EspalierError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

async function runAll(runner: ModelRunner, inputs: readonly (readonly Tensor[])[]): Promise<OriginalRuns["runs"]> {
  const runs: { inputs: readonly Tensor[]; outputs: readonly Tensor[] }[] = [];
  for (const values of inputs) runs.push({ inputs: values, outputs: await runner.run(values) });
  return runs;
}
