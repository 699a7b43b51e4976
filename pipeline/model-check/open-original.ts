import { EspalierError } from "../../src/diagnostics/index.ts";
import { type ModelRunner, openOnnxRunner, openTfjsRunner, openTfliteRunner } from "../../src/runtimes/index.ts";
import type { ModelBytes } from "../model-file.ts";

export interface OriginalOptions {
  /** Sizes of the inputs in the file's order: only TFLite has to know them before it loads. */
  readonly inputShapes?: readonly (readonly number[])[];
}

/** A model file as it came, in the runtime that it was made for. Throws EspalierError "runtime" or "unsupported" when that refuses it. */
export async function openOriginal(model: ModelBytes, options: OriginalOptions = {}): Promise<ModelRunner> {
  switch (model.format) {
    case "onnx":
      return openOnnxRunner(model.bytes, { files: model.files });
    case "tflite":
      return openTfliteRunner(model.bytes, options);
    case "tfjs":
      return openTfjsRunner(model.bytes, model.files);
    default:
      model.format satisfies never;
      throw new EspalierError("internal", "internal: no such format");
  }
}
