import type { DeployRequest } from "../../../pipeline/config.ts";
import { resolveConfig } from "../../../pipeline/config.ts";
import { costOptions } from "../../../pipeline/device.ts";
import type { Judged } from "../../../pipeline/requirements.ts";
import type { VerifiedArtifact } from "../../../pipeline/stages/verify.ts";
import { deviceCost } from "../../../targets/index.ts";
import { SMALL, tinyModel } from "../../fixtures/e2e/tiny-inputs.ts";

/** An artifact of 200 test samples. */
export function artifact(file: string, accuracy: number): VerifiedArtifact {
  const kind = file.endsWith("int8.tflite") ? "tflite-int8" : "onnx-float32";
  const runtime = file.endsWith(".onnx") ? "ONNX Runtime" : "LiteRT";
  return { file, kind, runtime, accuracy, n: 200, difference: 0, scale: 1, step: null, beyondStep: null, scores: 800 };
}

/** A time with an interval of a tenth on both sides. */
export function timing(medianMs: number): NonNullable<Judged["timings"]>["original"] {
  return { medianMs, interval: [0.9 * medianMs, 1.1 * medianMs], rounds: 80 };
}

/** A run of a model that was 90 % accurate and 24 kB large, cut from 32 to 16 channels in its last convolution. */
export async function judged(request: DeployRequest, shipped = artifact("tiny.int8.tflite", 0.89)): Promise<Judged> {
  const config = await resolveConfig(request);
  const options = costOptions(config);
  const [before, after] = [tinyModel(1, SMALL), tinyModel(1, { ...SMALL, width: 16 })];
  return {
    config,
    model: { graph: before, name: "tiny", file: "tiny.onnx", sha256: "0", bytes: 24_000, sampleShape: [1, 8, 8] },
    baseline: { test: { accuracy: 0.9, loss: 0.3, n: 200 }, heldOut: { accuracy: 0.9, loss: 0.3, n: 64 } },
    graph: after,
    costs: { original: deviceCost(before, options.original), artifact: deviceCost(after, options.candidate) },
    shipped,
    timings: null,
    bytes: { [shipped.file]: new Uint8Array(7000) },
  };
}
