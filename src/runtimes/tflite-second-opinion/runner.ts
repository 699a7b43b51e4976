import { EspalierError } from "../../diagnostics/index.ts";
import { decodeTflite } from "../../formats/tflite/codec/index.ts";
import { bytesOf, DTYPES, type DType, fromBytes, sameShape, type Tensor } from "../../tensor/index.ts";
import type { ModelRunner, RunnerPort } from "../model-runner.ts";
import { tflitePorts } from "../tflite-ports.ts";
import { instantiateTflite, type RunnerHandle, type TensorHandle, type TfliteModule } from "./wasm.ts";

/** Severity prefixes of the interpreter's log. */
const ERROR_LINE = /^(ERROR|FATAL)\b/;

/**
 * A .tflite file in TensorFlow Lite's older WebAssembly build. Variable tensors start at zero and keep their values from run
 * to run. Throws EspalierError "runtime" when the package is absent or the interpreter refuses the model.
 */
export async function openSecondOpinion(bytes: Uint8Array): Promise<ModelRunner> {
  const decoded = decodeTflite(bytes);
  const lines: string[] = [];
  const { runtime, version } = await instantiateTflite((line) => lines.push(line));
  const model = attempt(lines, () => load(runtime, bytes, lines));
  const inputs = tflitePorts(decoded, "inputs");
  const outputs = tflitePorts(decoded, "outputs");
  return {
    engine: `TensorFlow Lite (tfjs-tflite ${version})`,
    inputs,
    outputs,
    run: async (values) => {
      lines.length = 0;
      return attempt(lines, () => {
        fill(handles(model, "GetInputs"), inputs, values);
        if (!model.Infer()) throw failure(lines, "the run failed");
        return handles(model, "GetOutputs").map((handle, i) => take(handle, outputs[i]!));
      });
    },
    close: async () => {},
  };
}

function load(runtime: TfliteModule, bytes: Uint8Array, lines: readonly string[]): RunnerHandle {
  // The interpreter reads the weights in place, so this memory stays as long as the instance.
  const pointer = runtime._malloc(bytes.length);
  runtime.HEAPU8.set(bytes, pointer);
  const options = { numThreads: 1, enableProfiling: false, maxProfilingBufferEntries: 1 };
  const made = runtime.TFLiteWebModelRunner.CreateFromBufferAndOptions(pointer, bytes.length, options);
  if (!made.ok()) throw failure(lines, made.errorMessage());
  return made.value();
}

/** What the interpreter throws (a trap of WebAssembly, an exception of C++) as an EspalierError. */
function attempt<T>(lines: readonly string[], action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cause instanceof EspalierError
      ? cause
      : failure(lines, cause instanceof Error ? cause.message : "it crashed");
  }
}

function failure(lines: readonly string[], message: string): EspalierError {
  const errors = [...new Set(lines.filter((line) => ERROR_LINE.test(line)))].map((line) => line.replace(/^\w+: /, ""));
  const facts = errors.length > 0 ? errors.slice(0, 3).join("; ") : message;
  return new EspalierError("runtime", `TensorFlow Lite refuses the model: ${facts}`);
}

function handles(model: RunnerHandle, side: "GetInputs" | "GetOutputs"): TensorHandle[] {
  const vector = model[side]();
  const list = Array.from({ length: vector.size() }, (_, i) => vector.get(i));
  vector.delete();
  return list;
}

function shapeOf(handle: TensorHandle): number[] {
  return handle.shape === "" ? [] : handle.shape.split(",").map(Number);
}

function fill(slots: readonly TensorHandle[], ports: readonly RunnerPort[], values: readonly Tensor[]): void {
  if (slots.length !== values.length)
    throw new EspalierError("usage", `The model has ${slots.length} inputs, got ${values.length} tensors`);
  for (const [i, slot] of slots.entries()) {
    const { dtype, shape } = values[i]!;
    const expected = shapeOf(slot);
    if (dtype !== ports[i]!.dtype || !sameShape(shape, expected)) {
      throw new EspalierError(
        "usage",
        `Expected ${ports[i]!.dtype}[${expected.join(", ")}], got ${dtype}[${shape.join(", ")}]`,
        { where: `input ${i} ${JSON.stringify(ports[i]!.name)}` },
      );
    }
    const { buffer, byteOffset, byteLength } = viewOf(slot, dtype);
    new Uint8Array(buffer, byteOffset, byteLength).set(bytesOf(values[i]!));
  }
}

function take(slot: TensorHandle, port: RunnerPort): Tensor {
  const { buffer, byteOffset, byteLength } = viewOf(slot, port.dtype);
  return fromBytes(port.dtype, shapeOf(slot), new Uint8Array(buffer, byteOffset, byteLength));
}

/** The tensor's memory; the module has no view for 64-bit integers and float16. */
function viewOf(slot: TensorHandle, dtype: DType): ArrayBufferView {
  const view = slot.data();
  const elements = shapeOf(slot).reduce((a, b) => a * b, 1);
  if (view === undefined || view.byteLength !== elements * DTYPES[dtype].bytes)
    throw new EspalierError("unsupported", `Tensor "${slot.name}" is ${dtype}, which this runtime does not pass`);
  return view;
}
