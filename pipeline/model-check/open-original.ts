import { EspalierError } from "../../src/diagnostics/index.ts";
import { type ModelRunner, openOnnxRunner, openTfjsRunner, openTfliteRunner } from "../../src/runtimes/index.ts";
import type { ModelBytes } from "../model-file.ts";

/** From this size on, in bytes, the copies of weights that ONNX Runtime's layout optimisations make cost more than the one run gains. */
const LARGE = 32e6;

/** How far ONNX Runtime optimises a model that is run only to be compared. */
export function levelFor(bytes: number): "all" | "basic" {
  return bytes < LARGE ? "all" : "basic";
}

export interface OriginalOptions {
  /** Sizes of the inputs in the file's order: only TFLite has to know them before it loads. */
  readonly inputShapes?: readonly (readonly number[])[];
  /** Spend less memory rather than less time, for a run or two of a large model. */
  readonly frugal?: boolean;
}

/** A model file as it came, in the runtime that it was made for. Throws EspalierError "runtime" or "unsupported" when that refuses it. */
export async function openOriginal(model: ModelBytes, options: OriginalOptions = {}): Promise<ModelRunner> {
  switch (model.format) {
    case "onnx":
      return openOnnxRunner(model.bytes, {
        files: model.files,
        optimise: options.frugal === true ? levelFor(model.totalBytes) : "all",
      });
    case "tflite":
      return openTfliteRunner(model.bytes, options);
    case "tfjs":
      return openTfjsRunner(model.bytes, model.files);
    default:
      model.format satisfies never;
      throw new EspalierError("internal", "internal: no such format");
  }
}
