import { EspalierError } from "../diagnostics/index.ts";
import { decodeTflite, encodeTflite } from "../formats/tflite/codec/index.ts";
import { sameShape } from "../tensor/index.ts";
import { liteRtVersion, loadLiteRt } from "./litert.ts";
import type { ModelRunner } from "./model-runner.ts";
import { tflitePorts, withInputShapes } from "./tflite-ports.ts";
import { hasSecondOpinion, openSecondOpinion } from "./tflite-second-opinion/index.ts";

export interface TfliteRunnerOptions {
  /** Sizes of the inputs, in their order, where the file leaves some open; otherwise its static ones hold. */
  readonly inputShapes?: readonly (readonly number[])[];
  /** Only LiteRT itself; default: TensorFlow Lite's older build where LiteRT for WebAssembly does not run the model and the package is there. */
  readonly only?: "litert" | "second-opinion";
}

/**
 * A .tflite file in LiteRT, or in the second opinion when LiteRT refuses it, as late as in the first run. Throws what LiteRT
 * says when neither runs it.
 */
export async function openTfliteRunner(file: Uint8Array, options: TfliteRunnerOptions = {}): Promise<ModelRunner> {
  const bytes = shaped(file, options.inputShapes);
  if (options.only === "second-opinion") return openSecondOpinion(bytes);
  const isFinal = options.only === "litert" || !hasSecondOpinion();
  let litert: ModelRunner;
  try {
    litert = await openLiteRtRunner(bytes);
  } catch (error) {
    if (isFinal || !(error instanceof EspalierError)) throw error;
    return instead(error, () => openSecondOpinion(bytes));
  }
  return isFinal ? litert : withFallback(litert, bytes);
}

/** The answer of another way, or the refusal when that fails too. */
async function instead<T>(refusal: EspalierError, other: () => Promise<T>): Promise<T> {
  try {
    return await other();
  } catch {
    throw refusal;
  }
}

function withFallback(litert: ModelRunner, bytes: Uint8Array): ModelRunner {
  let current = litert;
  let ran = false;
  return {
    get engine() {
      return current.engine;
    },
    inputs: litert.inputs,
    outputs: litert.outputs,
    run: async (values) => {
      try {
        const results = await current.run(values);
        ran = true;
        return results;
      } catch (error) {
        if (ran || !(error instanceof EspalierError) || error.code !== "runtime") throw error;
        return instead(error, async () => {
          const second = await openSecondOpinion(bytes);
          const results = await second.run(values);
          [current, ran] = [second, true];
          return results;
        });
      }
    },
    close: () => current.close(),
  };
}

function shaped(file: Uint8Array, shapes: TfliteRunnerOptions["inputShapes"]): Uint8Array {
  if (shapes === undefined) return file;
  const model = decodeTflite(file);
  const now = model.subgraphs[0]!.inputs.map((index) => model.subgraphs[0]!.tensors[index]!.shape);
  if (now.length === shapes.length && now.every((shape, i) => sameShape(shape, shapes[i]!))) return file;
  return encodeTflite(withInputShapes(model, shapes));
}

async function openLiteRtRunner(bytes: Uint8Array): Promise<ModelRunner> {
  const session = await loadLiteRt(bytes);
  const decoded = decodeTflite(bytes);
  return {
    engine: `LiteRT ${liteRtVersion()}`,
    inputs: tflitePorts(decoded, "inputs"),
    outputs: tflitePorts(decoded, "outputs"),
    run: (values) => session.run(values),
    close: async () => session.close(),
  };
}
