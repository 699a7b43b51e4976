import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readOnnx } from "../../../src/formats/onnx/index.ts";
import { float32 } from "../../../src/tensor/index.ts";
import { evaluate, type TrainingData, train } from "../../../src/train/index.ts";

/** Models and images by others (not part of the repository). */
const shared = process.env.ESPALIER_SHARED ?? resolve(import.meta.dirname, "../../../../shared");
const modelFile = join(shared, "models/onnx/mlperf_ic_resnet8_fp32.onnx");
const dataFolder = join(shared, "data/cifar10");
const absent = [modelFile, dataFolder].some((path) => !existsSync(path));
const [SIDE, CHANNELS] = [32, 3];

/** Images as bytes [n, 32, 32, 3], given to the model as planes of 0 to 255, which it was trained on. */
function images(split: string, length: number): TrainingData {
  const pixels = gunzipSync(readFileSync(join(dataFolder, `${split}_${length}x32x32x3_u8.bin.gz`)));
  const labels = Int32Array.from(readFileSync(join(dataFolder, `${split}_labels_${length}_u8.bin`)));
  const [area, size] = [SIDE * SIDE, SIDE * SIDE * CHANNELS];
  return {
    name: `cifar10/${split}`,
    sampleShape: [CHANNELS, SIDE, SIDE],
    length,
    labels,
    batch: (indices) => {
      const out = new Float32Array(indices.length * size);
      for (let i = 0; i < indices.length; i++)
        for (let at = 0; at < size; at++)
          out[i * size + (at % CHANNELS) * area + Math.floor(at / CHANNELS)] = pixels[indices[i]! * size + at]!;
      return float32([indices.length, CHANNELS, SIDE, SIDE], out);
    },
  };
}

describe("MLPerf Tiny's CIFAR-10 model", () => {
  it.skipIf(absent)(
    `fine-tunes without losing accuracy${absent ? " (skipped: set ESPALIER_SHARED to a folder with models/onnx and data/cifar10)" : ""}`,
    { timeout: 300_000 },
    async () => {
      const graph = readOnnx(readFileSync(modelFile));
      const test = images("test", 2000);
      const before = await evaluate(graph, test, { threads: 2 });
      // As its authors measured: 87 % on all 10,000 test images.
      expect(before.accuracy).toBeGreaterThan(0.86);
      const { graph: tuned } = await train(graph, images("train", 8000), {
        steps: 60,
        batch: 64,
        optimiser: { kind: "adamw" },
        // Samples of 0 to 255 make large gradients: a low rate.
        schedule: { kind: "cosine", rate: 2e-5, warmUp: 0.1 },
        threads: 2,
        seed: 1,
      });
      const after = await evaluate(tuned, test, { threads: 2 });
      expect(after.accuracy).toBeGreaterThanOrEqual(before.accuracy);
      expect(after.loss).toBeLessThan(before.loss);
      console.info(
        `CIFAR-10, 60 steps of 64: accuracy ${before.accuracy} to ${after.accuracy}, loss ${before.loss} to ${after.loss}`,
      );
    },
  );
});
