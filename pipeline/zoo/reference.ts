import { EspalierError } from "../../src/diagnostics/index.ts";
import { decodeTflite } from "../../src/formats/tflite/codec/index.ts";
import { type ModelRunner, type RunnerPort, tflitePorts } from "../../src/runtimes/index.ts";
import { fromNumbers, sizeOf, type Tensor } from "../../src/tensor/index.ts";
import type { OriginalRuns } from "../model-check/compare-runs.ts";
import { openOriginal } from "../model-check/open-original.ts";
import { type SampleKind, sampleInputs } from "../model-check/sample-inputs.ts";
import type { ModelBytes } from "../model-file.ts";
import { type Golden, goldenInputs } from "./golden.ts";
import { isOpen, sizeCandidates } from "./open-sizes.ts";

/** What the original did: the sizes and inputs that it took, and what it gave for them, one run after the other, as a model with state sees them. */
export interface Reference extends OriginalRuns {
  readonly shapes: readonly (readonly number[])[];
}

const KINDS: readonly SampleKind[] = ["random", "bits", "ones", "zeros"];

/** A second run that would take longer than this is left out. */
const PATIENCE_MS = 20_000;

/**
 * Runs the original on seeded inputs: on the first sizes and the first kind of numbers that it takes. The first run is all
 * random; in the second, everything but the first input is zero, as state is at the start. Throws why the runtime refuses
 * the first candidate when it refuses all.
 */
export async function runOriginal(model: ModelBytes, golden: Golden | null, seed: number): Promise<Reference> {
  const known = golden === null ? null : goldenReference(model, golden);
  if (known !== null) return known;
  let refusal: unknown;
  const first = await openOriginal(model);
  try {
    for (const shapes of sizeCandidates(first.inputs)) {
      for (const kind of KINDS) {
        const [given, second] = inputsFor(first.inputs, shapes, seed, kind);
        try {
          return await runAt(model, first, shapes, [given, second]);
        } catch (error) {
          if (!(error instanceof EspalierError)) throw error;
          refusal ??= error;
        }
      }
    }
  } finally {
    await first.close();
  }
  throw refusal;
}

function inputsFor(
  ports: readonly RunnerPort[],
  shapes: readonly (readonly number[])[],
  seed: number,
  kind: SampleKind,
): [Tensor[], Tensor[]] {
  const first = sampleInputs(ports, shapes, seed, kind);
  const second = sampleInputs(ports, shapes, seed + 1, kind).map((tensor, i) => {
    if (i === 0 || !tensor.dtype.startsWith("float")) return i === 0 ? tensor : first[i]!;
    return fromNumbers(tensor.dtype, tensor.shape, new Float64Array(tensor.data.length));
  });
  return [first, second];
}

/** A fresh runner each time but for ONNX: an attempt that failed may have left state behind, and TFLite fixes its sizes when it loads. */
async function runAt(
  model: ModelBytes,
  opened: ModelRunner,
  shapes: readonly (readonly number[])[],
  inputs: readonly (readonly Tensor[])[],
): Promise<Reference> {
  const runner = model.format === "tflite" ? await openOriginal(model, { inputShapes: shapes }) : opened;
  try {
    const runs: { inputs: readonly Tensor[]; outputs: readonly Tensor[] }[] = [];
    const start = performance.now();
    for (const values of inputs) {
      if (performance.now() - start > PATIENCE_MS) break;
      runs.push({ inputs: values, outputs: await runner.run(values) });
    }
    return { engine: runner.engine, inputs: runner.inputs, outputs: runner.outputs, shapes, runs };
  } finally {
    if (runner !== opened) await runner.close();
  }
}

/** Golden values of a .tflite file with one output stand for a run of its runtime; null when they do not fit. */
function goldenReference({ format, bytes }: ModelBytes, golden: Golden): Reference | null {
  if (format !== "tflite") return null;
  const model = decodeTflite(bytes);
  const [inputs, outputs] = [tflitePorts(model, "inputs"), tflitePorts(model, "outputs")];
  const sizes = (ports: readonly RunnerPort[]) =>
    ports.map(({ shape }) => shape.map((dim) => (typeof dim === "number" ? dim : 1)));
  const shapes = sizes(inputs);
  const given = goldenInputs(golden, inputs, shapes);
  const [shape] = sizes(outputs);
  if (given === null || shape === undefined || outputs.length !== 1 || sizeOf(shape) !== golden.output.length)
    return null;
  const expected = fromNumbers(outputs[0]!.dtype, shape, golden.output);
  return { engine: "golden values", inputs, outputs, shapes, runs: [{ inputs: given, outputs: [expected] }] };
}

/** The sizes that were chosen, for the table; empty when the file states them all. */
export function sizesText(ports: readonly RunnerPort[], shapes: readonly (readonly number[])[]): string {
  if (!isOpen(ports)) return "";
  return ports.map(({ name }, i) => `${name} ${shapes[i]!.join("x") || "scalar"}`).join(", ");
}
